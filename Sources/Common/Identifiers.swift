/// Small integers that must not be confused with one another. Each is written to files and to the wire as a plain number.
public protocol Index: RawRepresentable<Int>, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    init(rawValue: Int)
}

extension Index {
    public init(_ value: Int) { self.init(rawValue: value) }
    public var description: String { "\(rawValue)" }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public static func + (a: Self, n: Int) -> Self { Self(a.rawValue + n) }

    /// Reads a number that can be counted on from: not below zero, and far from where arithmetic on it would overflow.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer().decode(Int.self)
        guard (0..<1 << 48).contains(value) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "the number \(value) is out of range"))
        }
        self.init(rawValue: value)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// One of the V fixed slices of the data and of every batch.
public struct ShardID: Index {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// Counts optimiser steps over the whole run, from 0.
public struct StepIndex: Index {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// Counts rounds from 0; round 0 starts from the head as brought.
public struct RoundIndex: Index {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// How many optimiser steps made these weights: version n is what step n - 1 left, version 0 the head as brought.
public struct WeightsVersion: Index {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
}
