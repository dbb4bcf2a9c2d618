/// A protobuf message put together by hand from field numbers, so that encoder and decoder are not only tested against
/// each other, and so that headers can be made that the encoder never makes.
struct WireBytes {
    private(set) var bytes: [UInt8] = []

    /// A varint field: uint32, uint64, bool or an enumeration.
    func number(_ field: Int, _ value: UInt64) -> Self { tag(field, 0).varint(value) }

    func fixed(_ field: Int, _ value: UInt64) -> Self {
        tag(field, 1).appending(withUnsafeBytes(of: value.littleEndian, Array.init))
    }

    func data(_ field: Int, _ content: [UInt8]) -> Self {
        tag(field, 2).varint(UInt64(content.count)).appending(content)
    }

    func text(_ field: Int, _ text: String) -> Self { data(field, Array(text.utf8)) }
    func message(_ field: Int, _ message: WireBytes) -> Self { data(field, message.bytes) }

    /// A repeated varint field.
    func packed(_ field: Int, _ values: some Sequence<UInt64>) -> Self {
        data(field, values.reduce(WireBytes()) { $0.varint($1) }.bytes)
    }

    /// A repeated field of eight bytes each.
    func packedFixed(_ field: Int, _ values: some Sequence<UInt64>) -> Self {
        data(field, values.flatMap { value in withUnsafeBytes(of: value.littleEndian, Array.init) })
    }

    /// These fields and then others.
    func then(_ more: WireBytes) -> Self { appending(more.bytes) }

    private func tag(_ field: Int, _ type: Int) -> Self { varint(UInt64(field << 3 | type)) }

    private func varint(_ value: UInt64) -> Self {
        var rest = value
        var encoded: [UInt8] = []
        while rest > 0x7F {
            encoded.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return appending(encoded + [UInt8(rest)])
    }

    private func appending(_ more: [UInt8]) -> Self {
        var longer = self
        longer.bytes += more
        return longer
    }
}

extension WireBytes {
    /// The fields that every header has, with some usual values.
    static func header(
        version: UInt64 = 2, runID: [UInt8] = Array(1...16), epoch: UInt64 = 3, worker: String = "w1",
        incarnation: UInt64 = 0x0102_0304_0506_0708
    ) -> WireBytes {
        WireBytes().number(1, version).data(2, runID).number(3, epoch).text(4, worker).fixed(5, incarnation)
    }

    static func tensor(_ name: String = "t", type: UInt64 = 6, shape: [UInt64]) -> WireBytes {
        WireBytes().text(1, name).number(2, type).packed(3, shape)
    }

    static func work(kind: UInt64 = 2, index: UInt64 = 7) -> WireBytes { WireBytes().number(1, kind).number(2, index) }

    func tensor(_ tensor: WireBytes) -> Self { message(6, tensor) }

    /// Many tensors without a description.
    func emptyTensors(_ count: Int) -> Self { appending((0..<count).flatMap { _ in [6 << 3 | 2, 0] as [UInt8] }) }
}
