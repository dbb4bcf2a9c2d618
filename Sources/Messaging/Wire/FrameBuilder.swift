import CProtocol

/// A header frame under construction, with the C memory that its parts need; freed as a whole.
public final class FrameBuilder {
    var frame = Selmix__Wire__Frame()
    private var blocks: [UnsafeMutableRawPointer] = []

    init() { selmix__wire__frame__init(&frame) }

    deinit { for block in blocks { block.deallocate() } }

    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        array(text.utf8CString.map { $0 })
    }

    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        pointer.initialize(from: elements, count: elements.count)
        blocks.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }

    /// A C structure that `initialize` (protobuf-c's generated function) and then `fill` set up.
    func place<Value: BitwiseCopyable>(
        _ zero: Value, _ initialize: (UnsafeMutablePointer<Value>?) -> Void, _ fill: (inout Value) -> Void = { _ in }
    ) -> UnsafeMutablePointer<Value> {
        let pointer = array([zero])
        initialize(pointer)
        fill(&pointer.pointee)
        return pointer
    }
}
