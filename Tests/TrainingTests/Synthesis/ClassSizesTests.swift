import Common
import Testing
import Training

@Suite struct ClassSizesTests {
    /// The published figures of the sets whose shapes we know by name.
    @Test(arguments: [
        (SyntheticProfile.Name.imagenetLT, 1000, 115_846, 1280, 5, 20_000, 50_000),
        (.placesLT, 365, 62_500, 4980, 5, 7_300, 36_500),
        (.iNaturalist2018, 8142, 437_513, 1000, 2, 24_426, 0),
    ])
    func profilesHaveThePublishedTotals(
        name: SyntheticProfile.Name, classes: Int, train: Int, largest: Int, smallest: Int, validation: Int, test: Int
    ) throws {
        let profile = SyntheticProfile(name)
        let sizes = try profile.classSizes()
        #expect(sizes.count == classes && profile.classes == classes && profile.dimension == 2048)
        #expect(sizes.reduce(0, +) == train)
        #expect(sizes.first == largest && sizes.last == smallest)
        #expect(sizes == sizes.sorted(by: >))
        #expect(classes * profile.validationPerClass == validation && classes * profile.testPerClass == test)
        // A long tail: half of the samples are in the first quarter of the classes.
        #expect(sizes.prefix(classes / 4).reduce(0, +) > train / 2)
    }

    /// Every total that is possible is met exactly, up to the last one at both ends.
    @Test(arguments: [(2, 9, 1), (5, 9, 1), (7, 20, 20), (12, 30, 4)])
    func everyPossibleTotalIsMet(classes: Int, largest: Int, smallest: Int) throws {
        let (least, most) = (largest + (classes - 1) * smallest, (classes - 1) * largest + smallest)
        for total in least...most {
            let sizes = try ClassSizes.longTailed(
                classes: classes, samples: total, largest: largest, smallest: smallest)
            #expect(sizes.reduce(0, +) == total && sizes.count == classes)
            #expect(sizes.first == largest && sizes.last == smallest && sizes == sizes.sorted(by: >), "\(sizes)")
        }
        for total in [least - 1, most + 1] {
            let error = #expect(throws: SelMixError.self) {
                try ClassSizes.longTailed(classes: classes, samples: total, largest: largest, smallest: smallest)
            }
            #expect(error?.code == .usage && error?.hint == "choose from \(least) to \(most)")
        }
    }

    @Test func withoutATotalTheDecayIsExponential() throws {
        let sizes = try ClassSizes.longTailed(classes: 5, samples: nil, largest: 160, smallest: 10)
        #expect(sizes == [160, 80, 40, 20, 10])
    }
}
