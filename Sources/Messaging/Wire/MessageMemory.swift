/// The C memory of a protobuf-c message that is being put together; freed as a whole.
public class MessageMemory {
    private var blocks: [UnsafeMutableRawPointer] = []

    public init() {}

    deinit { for block in blocks { block.deallocate() } }

    public func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        array(text.utf8CString.map { $0 })
    }

    public func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let pointer: UnsafeMutablePointer<Element> = block(capacity: max(1, elements.count))
        pointer.initialize(from: elements, count: elements.count)
        return pointer
    }

    /// A C structure that `initialize` (protobuf-c's generated function) and then `fill` set up. Structures with a union
    /// do not count as bitwise copyable, though they are.
    public func place<Value>(
        _ zero: Value, _ initialize: (UnsafeMutablePointer<Value>?) -> Void, _ fill: (inout Value) -> Void = { _ in }
    ) -> UnsafeMutablePointer<Value> {
        let pointer: UnsafeMutablePointer<Value> = block(capacity: 1)
        pointer.initialize(to: zero)
        initialize(pointer)
        fill(&pointer.pointee)
        return pointer
    }

    private func block<Element>(capacity: Int) -> UnsafeMutablePointer<Element> {
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        blocks.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }
}
