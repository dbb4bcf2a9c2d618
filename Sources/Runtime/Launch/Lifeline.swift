import Foundation
import Messaging

/// Ends this process when its standard input closes, which is when the process that started it ends, however it ends.
public enum Lifeline {
    public static func attach() throws {
        try SystemThread.start {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { _exit(4) }
            }
        }
    }
}
