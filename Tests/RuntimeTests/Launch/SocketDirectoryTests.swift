import Common
import Foundation
import Testing

@testable import Runtime

@Suite struct SocketDirectoryTests {
    @Test func placesInTheirOrder() {
        #expect(SocketDirectory.places([:]) == ["/tmp"])
        #expect(
            SocketDirectory.places(["TMPDIR": "/scratch/me/", "XDG_RUNTIME_DIR": "/run/user/1"])
                == ["/scratch/me", "/tmp", "/run/user/1"])
        #expect(SocketDirectory.places(["TMPDIR": "/tmp/", "XDG_RUNTIME_DIR": "relative"]) == ["/tmp"])
    }

    /// A place that cannot be written, or is too long for sockets, is passed over; with none left the error names them all.
    @Test func theFirstPlaceThatServes() throws {
        let folder = try CheckpointTests.Folder()
        let long = folder.path + "/" + String(repeating: "x", count: 90)
        try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
        let short = "/tmp/smx-\(UInt16.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(atPath: short, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: short) }
        do {
            let directory = try SocketDirectory(in: ["/nowhere", long, short])
            #expect(directory.path.hasPrefix(short + "/selmix-"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: short).isEmpty)
        let error = #expect(throws: SelMixError.self) { try SocketDirectory(in: ["/nowhere", long]) }
        #expect(error?.message.contains("/nowhere (No such file or directory), \(long) (too long") == true)
        #expect(error?.hint?.contains("TMPDIR") == true)
    }

    /// What a killed process left is taken away by whoever comes next; what somebody uses, or is not ours, is not.
    @Test func leftoversGo() throws {
        let place = "/tmp/smx-\(UInt16.random(in: 0...(.max)))"
        let files = FileManager.default
        func make(_ name: String, lock: Bool, mode: Int = 0o700) throws {
            try files.createDirectory(
                atPath: "\(place)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
            if lock { try Data().write(to: URL(fileURLWithPath: "\(place)/\(name)/.lock")) }
        }
        try make("selmix-abcdef", lock: true)
        try make("selmix-abcde1", lock: false)
        try make("selmix-abcde2", lock: true, mode: 0o755)
        try make("selmix-longer-name", lock: true)
        defer { try? files.removeItem(atPath: place) }
        let (first, second) = (try SocketDirectory(in: [place]), try SocketDirectory(in: [place]))
        let left = try Set(files.contentsOfDirectory(atPath: place))
        let own = Set([first, second].map { String($0.path.split(separator: "/").last!) })
        #expect(left == own.union(["selmix-abcde1", "selmix-abcde2", "selmix-longer-name"]))
        #expect(!SocketDirectory.remove(ifAbandoned: first.path))
        withExtendedLifetime((first, second)) {}
    }
}
