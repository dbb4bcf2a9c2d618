import Common

/// The shape of a made-up data set: that of a public long-tailed one, or any.
public struct SyntheticProfile: Sendable, Codable, Equatable {
    /// A public data set whose shape is known by name.
    public enum Name: String, Sendable, Codable, CaseIterable {
        case imagenetLT = "imagenet-lt"
        case placesLT = "places-lt"
        case iNaturalist2018 = "inaturalist-2018"
        case custom
    }

    public var name: Name
    /// K.
    public var classes: Int
    /// d.
    public var dimension: Int
    /// Training samples of all classes; nil for an exponential decay from ``largest`` to ``smallest``.
    public var samples: Int?
    /// Training samples of class 0, the most frequent one, and of class K - 1.
    public var largest: Int
    public var smallest: Int
    public var validationPerClass: Int
    /// 0 for no test split: the test labels of iNaturalist are not public.
    public var testPerClass: Int

    /// The features of all three are usually those of a ResNet-50, -101 or -152, or of a ResNeXt: d = 2048.
    public init(_ name: Name) {
        self.name = name
        dimension = 2048
        smallest = 5
        switch name {
        case .imagenetLT:
            (classes, samples, largest) = (1000, 115_846, 1280)
            (validationPerClass, testPerClass) = (20, 50)
        case .placesLT:
            (classes, samples, largest) = (365, 62_500, 4980)
            (validationPerClass, testPerClass) = (20, 100)
        case .iNaturalist2018:
            (classes, samples, largest, smallest) = (8142, 437_513, 1000, 2)
            (validationPerClass, testPerClass) = (3, 0)
        case .custom:
            (classes, samples, largest, dimension) = (100, nil, 500, 256)
            (validationPerClass, testPerClass) = (20, 20)
        }
    }

    /// Training samples per class, [K], falling.
    public func classSizes() throws -> [Int] {
        try ClassSizes.longTailed(classes: classes, samples: samples, largest: largest, smallest: smallest)
    }
}

/// The splits of a made-up data set.
public enum SyntheticSplit: Int, Sendable, CaseIterable {
    case train, validation, test

    /// What its tensors are called: "train.features".
    public var prefix: String { "\(self)" }
}
