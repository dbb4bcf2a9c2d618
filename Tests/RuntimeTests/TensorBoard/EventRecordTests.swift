import Foundation
import Testing

@testable import Runtime

/// The framing of event files.
@Suite struct EventRecordTests {
    /// RFC 3720, B.4, and the check value of the catalogue of CRCs.
    static let published: [(bytes: [UInt8], crc: UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
        ([UInt8]("123456789".utf8), 0xE306_9283), ([], 0),
    ]

    @Test func crcHasThePublishedValues() {
        for (bytes, crc) in Self.published { #expect(CRC32C.of(bytes) == crc) }
    }

    /// How every event file of TensorBoard begins: 24 bytes with the version follow.
    @Test func aFileBeginsAsTensorBoardsDo() {
        let event = TensorBoardEvent(time: 1.5, step: 0, content: .version("brain.Event:2"))
        let record = EventRecord.framed(event.encoded())
        #expect(record.prefix(12) == [0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22])
        #expect(record.count == 12 + 24 + 4)
    }

    static let contents: [[UInt8]] = [[1, 2, 3], [], Array(0...255), [9]]
    static let file = contents.flatMap(EventRecord.framed)
    /// Where each record ends.
    static let ends = contents.indices.map { contents[...$0].reduce(0) { $0 + $1.count + 16 } }

    @Test func recordsComeBack() {
        #expect(EventRecord.contents(of: Self.file).map(Array.init) == Self.contents)
    }

    @Test func aTornFileGivesItsWholeRecords() {
        for length in Self.file.indices {
            let found = EventRecord.contents(of: Array(Self.file.prefix(length)))
            #expect(found.count == Self.ends.count { $0 <= length }, "\(length) bytes")
        }
    }

    @Test func nothingAfterAFlippedBitIsBelieved() {
        for index in Self.file.indices {
            for bit in 0..<8 {
                var damaged = Self.file
                damaged[index] ^= 1 << bit
                let found = EventRecord.contents(of: damaged)
                #expect(found.count == Self.ends.count { $0 <= index }, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func anAbsurdLengthIsNoTrap() {
        let length = [UInt8](repeating: 0xFF, count: 8)
        let crc = withUnsafeBytes(of: CRC32C.masked(length).littleEndian) { Array($0) }
        #expect(EventRecord.contents(of: length + crc + [1, 2, 3, 4, 5, 6, 7, 8]).isEmpty)
    }
}
