import Foundation
import Testing

/// The house rule that imports only point down, as a table that has to be changed in the open.
@Suite struct ImportTests {
    /// What each module of ours may import, besides Swift's own modules and those of the system.
    static let allowed: [String: Set<String>] = [
        "Common": [],
        "Coordination": ["Common"],
        "SelMix": ["Common", "CKernels"],
        "Training": ["Common", "CKernels", "SelMix"],
        "Messaging": ["Common", "Coordination", "CZeroMQ", "CProtocol", "CKernels"],
        "HTTP": ["Common", "FlyingFox", "FlyingSocks"],
        "Runtime": [
            "Common", "CKernels", "CProtocol", "Coordination", "SelMix", "Training", "Messaging", "HTTP", "FlyingFox",
            "FlyingSocks", "Yams", "Logging", "Subprocess",
        ],
        "Simulation": ["Common", "Coordination"],
        "SimulateCLI": ["Common", "Coordination", "Simulation", "ArgumentParser"],
        "SelMixCLI": [
            "CBuildStamp", "Common", "Coordination", "SelMix", "Training", "HTTP", "Runtime", "ArgumentParser",
            "Logging",
        ],
    ]

    /// Modules without a clock, a file, a socket or a thread; Foundation is there for its arithmetic alone.
    static let pure: Set<String> = ["Common", "Coordination", "SelMix", "Simulation"]
    static let system: Set<String> = ["Foundation", "FoundationNetworking", "Glibc", "Dispatch", "Synchronization"]

    static let sources = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources")

    static func files(of module: String) throws -> [URL] {
        let folder = sources.appendingPathComponent(module)
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (all?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }

    static func imports(of file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            var words = line.split(separator: " ").drop { $0.hasPrefix("@") || $0 == "public" || $0 == "internal" }
            guard words.first == "import", words.count >= 2 else { return nil }
            words.removeFirst()
            return String(words.first!.split(separator: ".")[0])
        }
    }

    @Test func everyModuleHasItsRule() throws {
        let modules = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
        for module in modules where try !Self.files(of: module).isEmpty {
            #expect(Self.allowed[module] != nil, "\(module) has no rule here")
        }
    }

    @Test(arguments: allowed.keys.sorted())
    func importsPointDown(module: String) throws {
        let files = try Self.files(of: module)
        #expect(!files.isEmpty, "no sources of \(module)")
        for file in files {
            for name in try Self.imports(of: file) {
                #expect(
                    Self.allowed[module]!.contains(name) || Self.system.contains(name),
                    "\(module)/\(file.lastPathComponent) imports \(name)")
            }
        }
    }

    /// Where a value of the right width comes along, `map(Double.init)` takes its bits for a number: of the initialisers
    /// without a label and with, the compiler chooses by type alone.
    @Test(arguments: allowed.keys.sorted())
    func numbersAreConvertedInTheOpen(module: String) throws {
        for file in try Self.files(of: module) {
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(!text.contains(/\((Double|Float)\.init\)/), "\(module)/\(file.lastPathComponent)")
        }
    }

    /// Writing to standard error without these traps, or blocks, when nobody reads; and a result that `print` could not write
    /// would pass for written.
    @Test(arguments: allowed.keys.sorted())
    func oneWriterOfMessagesAndOneOfResults(module: String) throws {
        for file in try Self.files(of: module) {
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in ["FileHandle.standardError", "FileHandle.standardOutput", "StreamLogHandler"] {
                #expect(!text.contains(word), "\(module)/\(file.lastPathComponent) uses \(word)")
            }
            // In SelMixCLI `print` is our own, and SimulateCLI looks at the end whether all was written.
            let mayPrint = ["SelMixCLI", "SimulateCLI"].contains(module)
            #expect(mayPrint || !text.contains(/\bprint\(/), "\(module)/\(file.lastPathComponent) prints")
        }
    }

    @Test(arguments: pure.sorted())
    func pureModulesTouchNothing(module: String) throws {
        let forbidden = [
            "FileManager", "FileHandle", "Thread", "DispatchQueue", "Task {", "Date()", "ContinuousClock",
            "ProcessInfo", "URLSession", "= Process()",
        ]
        for file in try Self.files(of: module) {
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in forbidden {
                #expect(!text.contains(word), "\(module)/\(file.lastPathComponent) uses \(word)")
            }
        }
    }
}
