import CKernels
import Common
import Foundation
import Subprocess
import Training

/// This program with the libraries that it needs, for hosts that have neither.
///
/// A host keeps it below ~/.local/share/selmix under a name that follows from its bytes, so it travels once. glibc stays behind:
/// it has to be the one of the host's kernel and loader, and no older than the one that this program was built with.
struct Shipment: Sendable {
    /// Where a shipment lies on a host.
    struct Name: Sendable, Equatable {
        /// Letters, digits, dots and dashes.
        var text: String

        private var folder: String { "\"$HOME/.local/share/selmix/\(text)\"" }

        /// Whether it is there already, as the status.
        var check: String { Self.shell("test -x \(folder)/bin/selmix") }

        /// Unpacks standard input. Whoever unpacks the same at the same time makes no difference: one of them is renamed.
        var unpack: String {
            Self.shell(
                """
                umask 077 && mkdir -p "$HOME/.local/share/selmix" && new=$(mktemp -d \(folder).XXXXXX) \
                && if tar -xzf - -C "$new"; then mv -T "$new" \(folder) 2>/dev/null || rm -rf "$new"; \
                else rm -rf "$new"; exit 1; fi; test -x \(folder)/bin/selmix
                """)
        }

        func command(_ arguments: [String]) -> String {
            Self.shell(
                "LD_LIBRARY_PATH=\(folder)/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec \(folder)/bin/selmix "
                    + ShellQuoting.join(arguments))
        }

        /// Whatever the login shell is.
        private static func shell(_ text: String) -> String { "exec sh -c " + ShellQuoting.quote(text) }
    }

    let name: Name
    private let archive: Archive

    /// Packed when the first host needs it.
    private actor Archive {
        private let directory: String
        private var packing: Task<String, any Error>?

        init(directory: String) { self.directory = directory }

        func path() async throws -> String {
            if let packing { return try await packing.value }
            let task = Task { [directory] in
                let path = directory + "/selmix.tar.gz"
                try SpawnGate.check()
                let tar = try await Subprocess.run(
                    .name("tar"),
                    arguments: [
                        "-C", directory, "--dereference", "--use-compress-program=gzip -1", "-cf", path, "bin", "lib",
                    ],
                    output: .discarded, error: .string(limit: 4096))
                guard tar.terminationStatus.isSuccess else {
                    throw SelMixError(.failed, "this program cannot be packed", cause: tar.standardError)
                }
                return path
            }
            packing = task
            return try await task.value
        }
    }

    private static let partsOfGlibc = [
        "ld-linux", "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so", "libutil.so",
        "libnss_", "libanl.so", "linux-vdso",
    ]

    /// - Parameter directory: a temporary directory of the caller's, which outlives this.
    init(program: String, in directory: String) async throws {
        let libraries = try await Self.libraries(of: program)
        var digest: UInt64 = 0
        let manager = FileManager.default
        for (folder, files) in [("bin", [program]), ("lib", libraries)] {
            try manager.createDirectory(atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
            for file in files {
                let name = folder == "bin" ? "selmix" : URL(fileURLWithPath: file).lastPathComponent
                try manager.createSymbolicLink(atPath: "\(directory)/\(folder)/\(name)", withDestinationPath: file)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped) + Data(name.utf8)
                digest = bytes.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, digest) }
            }
        }
        name = Name(text: "\(Version.current)-\(digest.hexadecimal)")
        archive = Archive(directory: directory)
    }

    private static func libraries(of program: String) async throws -> [String] {
        try SpawnGate.check()
        let result = try await Subprocess.run(
            .name("ldd"), arguments: [program], output: .string(limit: 1 << 20), error: .discarded)
        return try paths(ldd: result.standardOutput, program: program)
    }

    /// The libraries in what ldd prints, without glibc's.
    static func paths(ldd text: String, program: String) throws -> [String] {
        try text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let name = words.first,
                !partsOfGlibc.contains(where: { URL(fileURLWithPath: name).lastPathComponent.hasPrefix($0) }),
                words.count >= 3, words[1] == "=>"
            else { return nil }
            guard words[2].hasPrefix("/") else {
                throw SelMixError(
                    .failed, "\(program) needs \(name), which is not on this machine",
                    hint: "install it, then try again")
            }
            return words[2]
        }
    }

    /// Copies it to a host, unless it is there.
    ///
    /// - Returns: why not; nil if it is there now.
    func send(to host: LaunchHost, _ ssh: SSHSettings, announce: @Sendable (String) -> Void) async -> StartFailure? {
        if await Self.run(ssh.command(on: host, name.check)).status == .exited(0) { return nil }
        announce("copying selmix to \(host.label)")
        let archive: String
        do {
            archive = try await self.archive.path()
        } catch {
            return StartFailure(reason: SelMixError(describing: error).description)
        }
        let (status, lines) = await Self.run(ssh.command(on: host, name.unpack), input: archive)
        if status == .exited(0) { return nil }
        var failure = StartFailure(command: ssh.client, status: status, lines: lines)
        if case .exited(let code) = status, code != 255 {
            failure = StartFailure(
                reason: "selmix cannot be copied there (\(lines.last ?? "status \(code)"))",
                hint: "there must be room in ~/.local, and tar and gzip")
        }
        return failure
    }

    private static func run(_ command: AgentCommand, input: String? = nil) async -> (
        status: TerminationStatus?, lines: [String]
    ) {
        var options = PlatformOptions()
        options.processGroupID = 0
        do {
            try SpawnGate.check()
            let file = open(input ?? "/dev/null", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return (nil, [String(cString: strerror(errno))]) }
            let result = try await Subprocess.run(
                Executable(command: command.program), arguments: Arguments(command.arguments), platformOptions: options,
                input: .fileDescriptor(.init(rawValue: file), closeAfterSpawningProcess: true), output: .discarded,
                error: .string(limit: 1 << 16))
            return (result.terminationStatus, result.standardError.split(separator: "\n").map(String.init))
        } catch {
            return (nil, ["\(command.program): \(SelMixError(describing: error))"])
        }
    }
}
