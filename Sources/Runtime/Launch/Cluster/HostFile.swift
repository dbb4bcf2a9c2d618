import Common
import Foundation

/// A list of hosts in the form that MPI launchers read: a host a line, `slots=N` behind it, comments from `#` on.
///
///     node1 slots=2
///     anna@node2:2222 slots=4
///     node3 port=222
///     [fd00::3]:2222
///     localhost
///
/// A host that is named on several lines has as many slots as the lines give together, one for a line without `slots=`, as
/// in a list that a scheduler writes. A small number behind a colon is refused: other launchers (MPICH, Intel MPI) write the
/// slots there, and connecting to it as a port would only show after minutes.
public enum HostFile {
    /// - Throws: `invalidInput` with the line and what is wrong in it.
    public static func load(_ path: String) throws -> [LaunchHost] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SelMixError(
                .invalidInput, "there is no host file `\(path)`, or it cannot be read",
                hint: "write one host a line, such as `node1 slots=2`")
        }
        guard let text = TextFile.text(of: data) else {
            throw SelMixError(.invalidInput, "`\(path)` is not text in UTF-8", hint: "save it as plain text")
        }
        return try parse(text, path: path)
    }

    public static func parse(_ text: String, path: String) throws -> [LaunchHost] {
        var hosts: [LaunchHost] = []
        for (number, line) in TextFile.lines(of: text).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { continue }
            do {
                var host = try host(String(first))
                for word in words.dropFirst() { try apply(String(word), to: &host) }
                add(host, to: &hosts)
            } catch let error as SelMixError {
                throw error.within("\(path):\(number + 1)")
            }
        }
        guard !hosts.isEmpty else {
            throw SelMixError(
                .invalidInput, "`\(path)` names no host", hint: "write one host a line, such as `node1 slots=2`")
        }
        return labelled(hosts)
    }

    /// One host as it is written on a command line or at the start of a line: `[user@]host[:port]`.
    static func host(_ text: String) throws -> LaunchHost {
        var rest = Substring(text)
        var host = LaunchHost("")
        if let at = rest.lastIndex(of: "@") {
            host.user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host.host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            if !rest.isEmpty, !rest.hasPrefix(":") { throw wrong(text) }
        } else if rest.count(where: { $0 == ":" }) > 1 {
            // An IPv6 address by itself.
            host.host = String(rest)
            rest = ""
        } else {
            host.host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.host.count)
        }
        if rest.hasPrefix(":") {
            guard let port = UInt16(rest.dropFirst()), port > 0 else {
                throw SelMixError(
                    .invalidInput, "`\(text)` has no port from 1 to 65535 behind the colon",
                    hint: "write the number of workers as `slots=N`")
            }
            guard port == 22 || port > maximumSlots else {
                throw SelMixError(
                    .invalidInput, "`\(text)` could mean \(port) workers or the ssh port \(port)",
                    hint:
                        "write `\(text.dropLast(rest.count)) slots=\(port)`, or `\(text.dropLast(rest.count)) port=\(port)`"
                )
            }
            host.port = port
        }
        // ssh would take a name that begins with a dash for an option.
        for part in [host.host, host.user ?? "user"] {
            let isName = part.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || "0123456789.-_:%".unicodeScalars.contains($0)
            }
            guard !part.isEmpty, !part.hasPrefix("-"), isName else { throw wrong(text) }
        }
        host.label = LaunchHost.label(host.host)
        return host
    }

    private static func wrong(_ text: String) -> SelMixError {
        SelMixError(.invalidInput, "`\(text)` is no host", hint: "write HOST, USER@HOST or USER@HOST:PORT")
    }

    private static func apply(_ word: String, to host: inout LaunchHost) throws {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("slots", 2):
            guard let slots = Int(parts[1]), (1...Int(maximumSlots)).contains(slots) else {
                throw SelMixError(.invalidInput, "`\(word)` must give a number from 1 to \(maximumSlots)")
            }
            host.slots = slots
        case ("port", 2):
            guard host.port == nil, let port = UInt16(parts[1]), port > 0 else {
                throw SelMixError(
                    .invalidInput, "`\(word)` must give the ssh port, once, from 1 to 65535",
                    hint: "such as `node1 port=2222`")
            }
            host.port = port
        default:
            throw SelMixError(
                .invalidInput, "`\(word)` is not known here", hint: "only `slots=N` and `port=N` may follow a host")
        }
    }

    private static let maximumSlots: UInt16 = 1024

    private static func add(_ host: LaunchHost, to hosts: inout [LaunchHost]) {
        if let known = hosts.firstIndex(where: {
            $0.host == host.host && $0.user == host.user && $0.port == host.port
        }) {
            hosts[known].slots = (hosts[known].slots ?? 1) + (host.slots ?? 1)
        } else {
            hosts.append(host)
        }
    }

    /// A host's name is its label, unless another port or user of it is in the list too.
    private static func labelled(_ hosts: [LaunchHost]) -> [LaunchHost] {
        var taken: Set<String> = []
        return hosts.map { host in
            let others = hosts.filter { $0.host == host.host }
            var parts = [host.host]
            if !others.allSatisfy({ $0.user == host.user }), let user = host.user { parts.insert(user, at: 0) }
            if !others.allSatisfy({ $0.port == host.port }), let port = host.port { parts.append("\(port)") }
            let name = LaunchHost.label(parts.joined(separator: "-"))
            var host = host
            var count = 1
            host.label = name
            while !taken.insert(host.label).inserted {
                count += 1
                host.label = "\(name)-\(count)"
            }
            return host
        }
    }
}
