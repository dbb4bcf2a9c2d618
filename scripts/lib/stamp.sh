# What a program is built from, for `selmix --version`. Sourced by the scripts that build for use.

# stamp_build: sets SELMIX_BUILD to the commit and its date, with a + behind the commit where files differ from it. Sources
# without a repository keep what the variable says already.
stamp_build() {
    local commit
    if ! commit=$(git rev-parse --short=10 HEAD 2>/dev/null); then
        return 0
    fi
    [ -z "$(git status --porcelain 2>/dev/null)" ] || commit+=+
    SELMIX_BUILD="$commit, $(git log -1 --format=%cs)"
    export SELMIX_BUILD
}
