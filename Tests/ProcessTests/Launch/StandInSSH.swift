import Foundation

/// A program that stands in for ssh: it runs the command here, as a login shell on the host would. What kind of host that
/// is, its name tells. The real ssh is tried by `scripts/try-ssh`.
struct StandInSSH {
    let path: String

    /// - `unknown`, `stranger`, `silent`: ssh itself fails.
    /// - `old`: another version is installed; `weak`: another instruction set; `late`: its clock is behind.
    /// - `bare`: the data are not there; `dying`: it goes as soon as its agent has said hello.
    /// - `chatty`: its login shell prints a greeting.
    init(in folder: TemporaryFolder) throws {
        path = folder.path("stand-in-ssh")
        try """
        #!/bin/sh
        while [ "$1" != -- ]; do shift; done
        host=$2
        export SSH_CONNECTION="127.0.0.1 40000 127.0.0.1 22"
        case $host in
        unknown) echo "ssh: Could not resolve hostname unknown: Name or service not known" >&2; exit 255 ;;
        stranger) echo "Host key verification failed." >&2; exit 255 ;;
        silent) echo "ssh: connect to host silent port 22: Connection timed out" >&2; exit 255 ;;
        old) sh -c "$3" | sed -u 's/"version":"[^"]*"/"version":"0.0.1"/' ;;
        weak) sh -c "$3" | sed -u 's/"hasInstructionSet":true/"hasInstructionSet":false/' ;;
        late) sh -c "$3" | sed -u 's/"clock":[0-9.]*/"clock":1000/' ;;
        bare) sed -u 's#/digits-lt/#/nowhere/#g' | sh -c "$3" ;;
        dying) sh -c "$3" </dev/null ;;
        chatty) echo "Welcome to chatty"; exec sh -c "$3" ;;
        *) exec sh -c "$3" ;;
        esac

        """.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
}
