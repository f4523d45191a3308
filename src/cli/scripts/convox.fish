
# Names that a rack has. The first line of an answer is the kind of the names.
function __convox_is_live
    set -l before (commandline -opc)
    set -g __convox_answer (command convox complete fish (count $before) -- $before (commandline -ct) 2>/dev/null)
    test (count $__convox_answer) -gt 0
end
function __convox_names
    set -q __convox_answer[2]; and printf '%s\n' $__convox_answer[2..-1]
end
complete -c convox -f -k -n __convox_is_live -a '(__convox_names)'
