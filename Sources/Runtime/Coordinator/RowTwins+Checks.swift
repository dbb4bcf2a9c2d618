import Common
import Training

// What cross-fitting cannot work with: validation rows that are training samples, or the test set.

extension RowTwins {
    /// - Throws: when so many rows are equal that the splits are one and the same, by mistake.
    static func between(_ validation: LabeledFeatures, _ train: LabeledFeatures) throws -> RowTwins {
        let twins = RowTwins(validation: validation.features, train: train.features)
        let shared = Set(twins.withTraining.map(\.row)).count
        if shared * 2 > validation.count - twins.withinValidation.count {
            throw SelMixError(
                .invalidInput,
                "\(shared) of \(validation.count) validation rows are training samples: the head as brought has seen them, "
                    + "and what is measured on them says nothing",
                hint: "name a validation split that the network was not trained on")
        }
        let pairs = twins.withinValidation.count + twins.withTraining.count
        guard pairs <= mostPairs else {
            throw SelMixError(
                .invalidInput, "\(pairs) validation rows and training samples equal others",
                hint: "leave repeated rows out of the data, or set `selmix.folds: 1`")
        }
        return twins
    }
}

extension LabeledFeatures {
    /// - Throws: when this validation split is the test split: with folds it is trained on.
    func checkDiffers(from test: LabeledFeatures) throws {
        guard labels == test.labels, features.digest() == test.features.digest() else { return }
        throw SelMixError(
            .invalidInput, "data.test is the same as data.validation, which `selmix.folds` trains on",
            hint: "name a test split of its own, leave `data.test` out, or set `selmix.folds: 1`")
    }
}
