import Foundation
import Messaging

/// Ends this process when its standard input closes, which is when the process that started it ends, however it ends.
public enum Lifeline {
    /// - Parameters:
    ///   - address: the coordinator's, and `keys` the directory of keys. What of them lies in a private directory of the
    ///     process that started this one is taken away with that process, as a killed one cannot do so itself.
    public static func attach(address: String = "", keys: String? = nil) throws {
        let starter = getppid()
        let sockets = address.hasPrefix("ipc://") ? String(address.dropFirst("ipc://".count)) : nil
        let left =
            [sockets.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }, keys].compactMap { $0 }
        try SystemThread.start {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) {
                    if getppid() != starter { clear(left) }
                    _exit(4)
                }
            }
        }
    }

    /// A process that ends closes one file after another, and the lock in its directory is among the last.
    private static func clear(_ directories: [String]) {
        for directory in directories {
            for _ in 0..<50 where FileManager.default.fileExists(atPath: directory) {
                if SocketDirectory.remove(ifAbandoned: directory) { break }
                usleep(10_000)
            }
        }
    }
}
