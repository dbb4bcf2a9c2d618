import Common
import SelMix

/// The settings that have defaults, each with what it may be.
extension SelMixSettings {
    /// - Parameters:
    ///   - folder: what a head file to start from is relative to.
    ///   - defaults: what a key that is not set gives.
    init(reading section: JobSection, in folder: JobFolder, over defaults: SelMixSettings) throws {
        self = defaults
        folds = try section.whole("folds", or: folds, .from(1, to: 1000))
        start = try section.path("start") { try StartSettings($0, in: folder) } ?? start
        policy = try section.choice("policy", or: policy)
        temperature = try TemperatureSettings(reading: section, "temperature") ?? temperature
        mixRatio = try section.fractions("mixRatio", or: mixRatio)
        formula = try section.choice("formula", or: formula)
        rounds = try section.whole("rounds", or: rounds, .from(1, to: 1_000_000))
        stepsPerRound = try section.whole("stepsPerRound", or: stepsPerRound, .from(1, to: 1_000_000))
        // Random numbers are counted by a step index of 32 bits.
        if steps > UInt32.max {
            throw section.origin(of: "stepsPerRound").error(
                "\(rounds) rounds of \(stepsPerRound) steps are \(steps) steps",
                hint: "a run has at most \(UInt32.max) steps")
        }
        diagonalSmoothing = try section.number("diagonalSmoothing", or: diagonalSmoothing, .from(0, to: 1))
        floor = try section.number("floor", or: floor, .from(0, below: 1))
        labelRatio = try LabelRatioSettings(reading: section, "labelRatio") ?? labelRatio
        keep = try section.choice("keep", or: keep)
        samplerFloor = try section.flag("samplerFloor", or: samplerFloor)
        pseudoLabels = try section.choice("pseudoLabels", or: pseudoLabels)
        mixUntil = try section.number("mixUntil", or: mixUntil, .from(0, to: 1))
        if section.value("convergence") != nil {
            let fields = try section.section("convergence")
            let standard = ConvergenceSettings()
            convergence = ConvergenceSettings(
                rounds: try fields.whole("rounds", or: standard.rounds, .from(2, to: 10000)),
                tolerance: try fields.number("tolerance", or: standard.tolerance, .above(0)))
        }
    }
}

extension TemperatureSettings {
    /// Nil where the section has no such key.
    fileprivate init?(reading section: JobSection, _ key: String) throws {
        guard let node = section.value(key) else { return nil }
        let forms = "`{relative: 0.5}` or `{absolute: 0.1}`"
        guard node.isMap else {
            throw node.origin.error("`\(section.path(of: key))` must be \(forms), not \(node.described)")
        }
        let fields = try section.section(key)
        switch (fields.value("relative"), fields.value("absolute")) {
        case (.some, nil): self = .relative(try fields.number("relative", or: 0, .above(0)))
        case (nil, .some): self = .absolute(try fields.number("absolute", or: 0, .above(0)))
        case (nil, nil): throw node.origin.error("`\(section.path(of: key))` has no value", hint: "give \(forms)")
        case (.some, .some):
            throw node.origin.error(
                "`\(section.path(of: key))` is both relative and absolute", hint: "give \(forms) as a whole")
        }
    }
}

extension LabelRatioSettings {
    /// Nil where the section has no such key.
    fileprivate init?(reading section: JobSection, _ key: String) throws {
        guard let node = section.value(key) else { return nil }
        if case .list = node.content {
            self = .uniform(try section.fractions(key, or: 0...1))
        } else {
            self = .named(try section.choice(key, or: .one))
        }
    }
}

extension LossSettings {
    init(reading section: JobSection) throws {
        self.init(try section.choice("name", or: .crossEntropy))
        tau = try section.number("tau", or: tau, .atLeast(0))
        smoothing = try section.number("smoothing", or: smoothing, .from(0, to: 1))
    }
}

extension OptimizerSettings {
    /// - Parameter defaults: what a key that is not set gives.
    init(reading section: JobSection, over defaults: OptimizerSettings) throws {
        self = defaults
        learningRate = try LearningRate(reading: section, "learningRate") ?? learningRate
        momentum = try section.number("momentum", or: momentum, .from(0, below: 1))
        weightDecay = try section.number("weightDecay", or: weightDecay, .atLeast(0))
        schedule = try section.choice("schedule", or: schedule)
    }
}

extension ClusterSettings {
    init(reading section: JobSection) throws {
        shards = try section.whole("shards", or: shards, .from(1, to: 4096))
        precision = try section.choice("precision", or: precision)
        audit = try section.number("audit", or: audit, .from(0, to: 1))
        reduction = try section.choice("reduction", or: reduction)
        failureTimeout = try section.seconds("failureTimeout", or: failureTimeout, from: 0.1, to: 3600)
        minWorkers = try section.whole("minWorkers", or: minWorkers, .from(1, to: 4096))
        workerWait = try section.seconds("workerWait", or: workerWait, from: 0, to: 86400)
        orphanTimeout = try section.seconds("orphanTimeout", or: orphanTimeout, from: 0, to: 86400)
        slowWorkers = try section.choice("slowWorkers", or: slowWorkers)
        staging = try section.choice("staging", or: staging)
        instructionSet = try section.text("instructionSet")
        if let name = instructionSet, !InstructionSet.names.contains(name) {
            let nearest =
                Suggestion.nearest(to: name, among: InstructionSet.names).map { "did you mean `\($0)`? " } ?? ""
            throw section.origin(of: "instructionSet").error(
                "there is no instruction set `\(name)`",
                hint: nearest + "there are \(InstructionSet.names.joined(separator: ", ")); this machine's best is "
                    + InstructionSet.best)
        }
    }
}

extension ObjectiveSettings {
    /// The name, and each parameter by itself, are judged by ``SelMix/ObjectiveSettings/objective(split:)``, so that the
    /// rules are written once; what is added here is the line.
    init(reading section: JobSection) throws {
        self.init(name: try section.text("name", required: "name: min-recall"))
        let plain = self
        try plain.check(at: section.origin(of: "name"))
        let parameters: KeyValuePairs<String, WritableKeyPath<ObjectiveSettings, Double?>> = [
            "rate": \.rate, "decay": \.decay, "alpha": \.alpha, "tau": \.tau, "multiplierMax": \.multiplierMax,
            "tailFraction": \.tailFraction, "strictness": \.strictness,
        ]
        for (key, parameter) in parameters where section.value(key) != nil {
            let value = try section.number(key, or: 0, .any)
            var alone = plain
            alone[keyPath: parameter] = value
            try alone.check(at: section.origin(of: key))
            self[keyPath: parameter] = value
        }
        head = try section.wholes("head")
        groups = try section.groups("groups")
    }

    private func check(at origin: JobNode.Origin) throws {
        do {
            try check()
        } catch let error as SelMixError {
            throw origin.error(error.message, hint: error.hint)
        }
    }
}
