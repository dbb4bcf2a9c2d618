import Subprocess

/// Why an agent did not come up on a host, from how its command ended and what that said.
struct StartFailure: Equatable {
    var reason: String
    var hint: String?

    init(reason: String, hint: String? = nil) {
        self.reason = reason
        self.hint = hint
    }

    /// What ssh says, in part, and what that means here.
    private static let meanings: [(text: String, reason: String, hint: String)] = [
        (
            "Could not resolve hostname", "the name is not known",
            "check the host file for a misspelt name, or add the host to DNS, /etc/hosts or your ssh config"
        ),
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED", "it shows another host key than the known one",
            "if the host was installed anew, remove the old key with `ssh-keygen -R HOST` and log in once by hand; "
                + "otherwise someone may be in between"
        ),
        (
            "Host key verification failed", "its host key is not known",
            "log in once by hand with `ssh HOST` and accept the key, or have an administrator distribute it"
        ),
        (
            "Permission denied", "it lets nobody in without a password",
            "put your key there with `ssh-copy-id HOST`, or load it with `ssh-add`"
        ),
        (
            "Connection refused", "nothing listens at its ssh port",
            "start sshd there, or give the port in the host file as HOST:PORT"
        ),
        (
            "timed out", "it does not answer", "check that the host is up, and the network between"
        ),
        ("No route to host", "there is no route to it", "check that the host is up, and the network between"),
        ("Network is unreachable", "there is no route to it", "check the network of this machine"),
        ("Too many authentication failures", "it refuses this many keys", "name the right one in your ssh config"),
    ]

    /// - Parameters:
    ///   - status: how the command ended; nil when it could not be started.
    ///   - lines: what it wrote to standard error, the newest last.
    init(command: String, status: TerminationStatus?, lines: [String]) {
        let said = lines.last { !$0.isEmpty }
        if let meaning = Self.meanings.first(where: { meaning in lines.contains { $0.contains(meaning.text) } }) {
            self.init(reason: "\(meaning.reason) (\(said ?? ""))", hint: meaning.hint)
            return
        }
        let hintToInstall =
            "install selmix there at the same path, say where it is with --program, or copy it with --ship"
        switch status {
        case .exited(127): self.init(reason: "there is no selmix (\(said ?? ""))", hint: hintToInstall)
        case .exited(126): self.init(reason: "selmix cannot be run (\(said ?? ""))", hint: hintToInstall)
        case .exited(let code): self.init(reason: said ?? "\(command) ended with status \(code)")
        case .signaled(let number): self.init(reason: "\(command) was ended by signal \(number)")
        case nil: self.init(reason: said ?? "\(command) could not be started")
        }
    }
}
