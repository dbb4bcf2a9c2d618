import Common
import Coordination

// Single values of a header frame, each within its range. What is beyond is refused here, so that arithmetic on what has been
// decoded cannot overflow.

func present<Value>(_ pointer: UnsafeMutablePointer<Value>?) throws -> Value {
    guard let pointer else { throw WireError("a message without its body") }
    return pointer.pointee
}

func node(_ lower: UInt32, _ upper: UInt32) throws -> TreeNode {
    guard lower < upper, upper <= 1 << 20 else { throw WireError("no tree node [\(lower), \(upper))") }
    return TreeNode(Int(lower), Int(upper))
}

/// An index or a count. By default it ends far beyond any real one.
func number(_ value: UInt64, upTo limit: UInt64 = 1 << 48 - 1) throws -> UInt64 {
    guard value <= limit else { throw WireError("the number \(value) is out of range") }
    return value
}

func int(_ value: UInt64) throws -> Int { Int(try number(value)) }

/// A loss may be no number: that is how a run shows that it has diverged. A number is one that a mean of float32 values can
/// be, so that sums of them are finite.
func loss(_ value: Double) throws -> Double {
    guard !value.isFinite || value.magnitude <= 1e100 else { throw WireError("a loss of \(value)") }
    return value
}

/// A text that decides or names something: too long a one, or one that would not show as it is, is refused.
func text(_ pointer: UnsafeMutablePointer<CChar>?, _ limits: WireLimits) throws -> String {
    guard let pointer else { return "" }
    let text = String(cString: pointer)
    guard text.utf8.count <= limits.nameBytes else { throw WireError("a text of \(text.utf8.count) bytes") }
    guard text.isPrintable else { throw WireError("a text with characters that are not printed") }
    return text
}

/// A text for people: too long a one is cut. Whoever prints it escapes what a terminal would take for a command.
func reason(_ pointer: UnsafeMutablePointer<CChar>?, _ limits: WireLimits) -> String {
    guard let pointer else { return "" }
    let text = String(cString: pointer)
    if text.utf8.count <= limits.nameBytes { return text }
    // By scalars: a single character may have any number of bytes.
    return String(text.unicodeScalars.prefix(4 * limits.nameBytes))
}

/// The name of a worker; empty from the coordinator.
func workerName(_ pointer: UnsafeMutablePointer<CChar>?, _ limits: WireLimits) throws -> String {
    let name = try text(pointer, limits)
    guard name.isEmpty || WorkerName.isValid(name) else { throw WireError("a worker's name that is none") }
    return name
}
