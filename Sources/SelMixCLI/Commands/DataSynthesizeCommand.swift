import ArgumentParser
import Foundation
import Runtime
import Training

struct DataSynthesizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize", abstract: "Makes up a long-tailed data set, a plain head for it, and a job file.",
        discussion: """
            imagenet-lt, places-lt and inaturalist-2018 have the class counts and totals of those sets and features of 2048 \
            dimensions; every figure can be changed. With other --classes and no --samples, the total changes in proportion. \
            The same seed makes the same features on every machine.
            """)

    @Option(help: "imagenet-lt, places-lt, inaturalist-2018 or custom.")
    var profile: SyntheticProfile.Name
    @Option(help: "The folder to make.", completion: .directory)
    var output: String
    @Option(help: "Of every random number.")
    var seed: UInt64 = 0
    @Option(help: "float32, float16 or bfloat16.")
    var type = FeatureType.float32
    @Option(help: "Of the plain head's training.")
    var epochs = 10

    @Option(help: "K.")
    var classes: Int?
    @Option(help: "d.")
    var dimension: Int?
    @Option(help: "Training samples of all classes.")
    var samples: Int?
    @Option(help: "Training samples of the most frequent class.")
    var largest: Int?
    @Option(help: "Training samples of the rarest class.")
    var smallest: Int?
    @Option(help: "Validation samples of every class.")
    var validationPerClass: Int?
    @Option(help: "Test samples of every class; 0 for no test split.")
    var testPerClass: Int?
    @OptionGroup var options: OutputOptions

    enum FeatureType: String, CaseIterable, ExpressibleByArgument {
        case float32, float16, bfloat16

        var dataType: DataType {
            switch self {
            case .float32: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            }
        }
    }

    /// The profile with what the command line changes.
    private var changed: SyntheticProfile {
        var changed = SyntheticProfile(profile)
        if let classes, let total = changed.samples {
            changed.samples = Int((Double(total) * Double(classes) / Double(changed.classes)).rounded())
        }
        changed.classes = classes ?? changed.classes
        changed.dimension = dimension ?? changed.dimension
        changed.samples = samples ?? changed.samples
        changed.largest = largest ?? changed.largest
        changed.smallest = smallest ?? changed.smallest
        changed.validationPerClass = validationPerClass ?? changed.validationPerClass
        changed.testPerClass = testPerClass ?? changed.testPerClass
        return changed
    }

    func validate() throws {
        let changed = changed
        let ranges: [(option: String, value: Int, allowed: ClosedRange<Int>)] = [
            ("classes", changed.classes, 2...100_000), ("dimension", changed.dimension, 1...65_536),
            ("samples", changed.samples ?? 2, 2...1_000_000_000), ("largest", changed.largest, 1...100_000_000),
            ("smallest", changed.smallest, 1...changed.largest),
            ("validation-per-class", changed.validationPerClass, 1...100_000),
            ("test-per-class", changed.testPerClass, 0...100_000), ("epochs", epochs, 1...1000),
        ]
        for (option, value, allowed) in ranges where !allowed.contains(value) {
            throw ValidationError(
                "--\(option) is \(value); it must be from \(allowed.lowerBound) to \(allowed.upperBound)")
        }
    }

    func run() throws {
        var synthesis = Synthesis(changed, output: output)
        synthesis.seed = seed
        synthesis.dataType = type.dataType
        synthesis.epochs = epochs
        let display = PhaseDisplay(isShown: !options.quiet && isatty(2) == 1)
        defer { display.clear() }
        let report = try synthesis { display.show($0, fraction: $1) }
        display.clear()
        print(options.json ? try JSONText.of(report) : text(report))
    }

    private func text(_ report: SynthesisReport) -> String {
        let path = ResultOutput.shownPath(report.output)
        let samples = ["train", "validation", "test"].compactMap { split in
            report.samples[split].map { "\($0) \(split)" }
        }
        return """
            \(report.profile.name.rawValue): \(report.profile.classes) classes, d = \(report.profile.dimension), \
            \(samples.joined(separator: ", ")) samples
            features \(ByteCount.text(report.bytes)) in \(String(format: "%.1f", report.featureSeconds)) s, plain head in \
            \(String(format: "%.1f", report.headSeconds)) s
            validation: mean recall \(Self.figure(report.meanRecall)), head \(Self.figure(report.headRecall)), \
            tail \(Self.figure(report.tailRecall))

            data  \(path)/data.safetensors
            head  \(path)/head.safetensors
            next  selmix train \(path)/job.yaml
            """
    }

    private static func figure(_ value: Double) -> String { String(format: "%.4f", value) }
}

extension SyntheticProfile.Name: ExpressibleByArgument {}
