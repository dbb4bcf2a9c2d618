/// The CRC-32C of bytes (polynomial 0x1EDC6F41, reflected), as event files have it over their records.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78 }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    }

    /// Rotated and shifted by a constant, as a CRC over data that hold CRCs is weak.
    static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let crc = of(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
