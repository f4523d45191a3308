_convox() {
    local line answer
    local -a lines names shown
    answer="$(command convox complete zsh $((CURRENT - 1)) -- \
        "${(@)words[1,CURRENT-1]}" "$PREFIX" "${(@)words[CURRENT+1,-1]}" 2>/dev/null)"
    if [[ -z "$answer" ]]; then
        _convox_static "$@"
        return
    fi
    # The first line is the kind of the names.
    lines=("${(@f)answer}")
    for line in "${(@)lines[2,-1]}"; do
        names+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    [[ "$PREFIX" == --*=* ]] && compset -P 1 '*='
    (( $#names )) && compadd -V convox -l -d shown -a names
}

