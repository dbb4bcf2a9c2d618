// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own targets, in Swift and in C alike.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
// Optimised in debug builds too: most of what tests do is arithmetic, and overflows trap all the same.
let numeric: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

// What `selmix --version` says beside the version. The scripts that build for use set it; see scripts/lib/stamp.sh.
let stamp: [CSetting] = Context.environment["SELMIX_BUILD"].map { [.define("SELMIX_BUILD", to: "\"\($0)\"")] } ?? []

let package = Package(
    name: "selmix",
    products: [
        .executable(name: "selmix", targets: ["SelMixCLI"]),
        // Not for users of the program: whole clusters in virtual time, for its developers.
        .executable(name: "simulate", targets: ["SimulateCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        // C: what the system brings, generated code, and one small ABI of our own.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .target(name: "CProtocol", cSettings: strictC, linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(
            name: "CKernels",
            // Always optimised: a debug build would otherwise run scalar loops in every test.
            cSettings: strictC + [.unsafeFlags(["-O3", "-ffp-contract=off"])],
            linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp"), .linkedLibrary("m")]),

        .target(name: "CBuildStamp", cSettings: strictC + stamp),

        // Pure values: no clock, socket, file, thread or task.
        .target(name: "Common", swiftSettings: strict),
        .target(name: "Coordination", dependencies: ["Common"], swiftSettings: strict),
        .target(name: "SelMix", dependencies: ["Common", "CKernels"], swiftSettings: numeric),

        // Data and sockets.
        .target(name: "Training", dependencies: ["Common", "SelMix", "CKernels"], swiftSettings: numeric),
        .target(
            name: "Messaging", dependencies: ["Common", "Coordination", "CZeroMQ", "CProtocol", "CKernels"],
            swiftSettings: strict),

        .target(
            name: "HTTP",
            dependencies: [
                "Common", .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            swiftSettings: strict),

        // The shells and the command line.
        .target(
            name: "Runtime",
            dependencies: [
                "Common", "Coordination", "SelMix", "Training", "Messaging", "HTTP", "CProtocol", "Yams",
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            exclude: ["Monitor/README.md"],
            resources: [
                .embedInCode("Pages/page.css"), .embedInCode("Pages/page.js"), .embedInCode("Report/Pages/report.html"),
                .embedInCode("Report/Pages/comparison.html"), .embedInCode("Diagnosis/Pages/gain-diagnosis.html"),
                .embedInCode("Monitor/Pages/dashboard.html"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "SelMixCLI",
            dependencies: [
                "CBuildStamp", "Common", "Coordination", "SelMix", "HTTP", "Training", "Runtime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // Whole clusters in virtual time, over the production state machines.
        .target(name: "Simulation", dependencies: ["Common", "Coordination"], swiftSettings: strict),
        .executableTarget(
            name: "SimulateCLI",
            dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),

        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
        .testTarget(
            name: "HTTPTests", dependencies: ["Common", "HTTP", .product(name: "FlyingFox", package: "FlyingFox")],
            swiftSettings: strict),
        .testTarget(name: "CommonTests", dependencies: ["Common"], swiftSettings: strict),
        .testTarget(
            name: "SelMixTests", dependencies: ["Common", "CKernels", "SelMix"], resources: [.copy("Golden")],
            swiftSettings: strict),
        .testTarget(
            name: "TrainingTests", dependencies: ["Common", "SelMix", "Training"], swiftSettings: strict),
        .testTarget(
            name: "CoordinationTests", dependencies: ["Common", "Coordination"], exclude: ["Scenarios"],
            swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: ["Coordination", "Simulation"], swiftSettings: strict),
        .testTarget(
            name: "MessagingTests", dependencies: ["Common", "Coordination", "CZeroMQ", "Messaging"],
            swiftSettings: strict),
        .testTarget(
            name: "RuntimeTests",
            dependencies: [
                "Common", "Coordination", "SelMix", "Training", "Messaging", "HTTP", "Runtime", "SelMixCLI",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "CKernels", "Common", "Coordination", "CZeroMQ", "Messaging", "SelMix", "Training", "SelMixCLI",
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
