_convox() {
    local kind= name
    COMPREPLY=()
    {
        read -r kind
        while IFS= read -r name; do
            COMPREPLY+=("$name")
        done
    } < <(command convox complete bash "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
    if [[ -z "$kind" ]]; then
        _convox_static "$@"
        return
    fi
    # No files where a rack has no names.
    compopt +o default +o bashdefault 2>/dev/null
    return 0
}

