import Foundation
import Testing
import Yams

/// The files below cluster/ for Kubernetes, systemd and containers, as far as they can be checked without those.
@Suite struct DeploymentTests {
    private static let cluster = Program.package.appendingPathComponent("cluster")

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: cluster.appendingPathComponent(name), encoding: .utf8)
    }

    /// Every option must be one that the command has, with a value that it takes: asking for help behind them parses them all.
    private func expectAccepted(_ words: [String]) throws {
        let result = try Program.run([words[0], "--help"])
        let known = result.output
        for word in words.dropFirst() where word.hasPrefix("--") {
            let option = String(word.prefix { $0 != "=" })
            #expect(known.contains(option + " "), "selmix \(words[0]) has no \(option)")
        }
    }

    @Test func kubernetesManifestsSayWhatTheyShould() throws {
        let documents = try Yams.load_all(yaml: Self.text("kubernetes/selmix.yaml")).compactMap { $0 as? [String: Any] }
        #expect(documents.map { $0["kind"] as? String } == ["Service", "NetworkPolicy", "Job", "Job"])
        func at(_ value: Any?, _ path: String) -> Any? {
            path.split(separator: ".").reduce(value) { value, key in
                Int(key).map { (value as? [Any])?[$0] } ?? (value as? [String: Any])?[String(key)]
            }
        }
        let service = documents[0]
        #expect(at(service, "spec.publishNotReadyAddresses") as? Bool == true)
        let ports = at(service, "spec.ports") as? [[String: Any]] ?? []
        #expect(ports.map { $0["port"] as? Int } == [7200, 7201, 7280])
        let (coordinator, worker) = (documents[2], documents[3])
        #expect(at(worker, "spec.completionMode") as? String == "Indexed")
        #expect(at(worker, "spec.completions") as? Int == at(worker, "spec.parallelism") as? Int)
        for (job, role) in [(coordinator, "coordinator"), (worker, "worker")] {
            let pod = "spec.template.spec"
            #expect(at(job, "spec.template.metadata.labels.role") as? String == role)
            #expect(at(job, "\(pod).restartPolicy") as? String == "Never")
            #expect(at(job, "\(pod).securityContext.runAsNonRoot") as? Bool == true)
            for container in ["initContainers", "containers"] {
                let context = at(job, "\(pod).\(container).0.securityContext")
                #expect(at(context, "allowPrivilegeEscalation") as? Bool == false)
                #expect(at(context, "readOnlyRootFilesystem") as? Bool == true)
                #expect(at(context, "capabilities.drop") as? [String] == ["ALL"])
            }
            let rules = at(job, "spec.podFailurePolicy.rules") as? [[String: Any]] ?? []
            #expect(at(rules.first, "onExitCodes.values") as? [Int] == [2, 3])
            // What is mounted is declared, and the other way round.
            let declared = at(job, "\(pod).volumes") as? [[String: Any]] ?? []
            let volumes = Set(declared.compactMap { $0["name"] as? String })
            let mounts = ["initContainers", "containers"].flatMap {
                at(job, "\(pod).\($0).0.volumeMounts") as? [[String: Any]] ?? []
            }
            #expect(Set(mounts.compactMap { $0["name"] as? String }) == volumes)
            let words = try #require(at(job, "\(pod).containers.0.args") as? [String])
            #expect(words.first == role)
            try expectAccepted(words)
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let path = at(coordinator, "spec.template.spec.containers.0.\(probe).httpGet.path") as? String
            #expect(path == (probe == "readinessProbe" ? "/readyz" : "/healthz"))
        }
        // Keys are no part of a command line or an environment.
        #expect(try !Self.text("kubernetes/selmix.yaml").contains("secretKeyRef"))
    }

    @Test(arguments: ["selmix-coordinator@.service", "selmix-worker@.service"])
    func unitsStartCommandsThatExist(name: String) throws {
        let lines = try Self.text("systemd/\(name)").split(separator: "\n")
        let start = try #require(lines.first { $0.hasPrefix("ExecStart=/usr/bin/selmix ") })
        try expectAccepted(start.split(separator: " ").dropFirst().map(String.init))
        for setting in ["User=selmix", "NoNewPrivileges=yes", "ProtectSystem=strict", "TimeoutStopSec=60"] {
            #expect(lines.contains(Substring(setting)), "\(name) lacks \(setting)")
        }
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze"), "needs systemd-analyze"),
        arguments: ["selmix-coordinator@", "selmix-worker@"])
    func systemdFindsNothingWrong(name: String) throws {
        let folder = try TemporaryFolder()
        // It looks whether the program is there, which here is elsewhere.
        let unit = try Self.text("systemd/\(name).service").replacing("/usr/bin/selmix", with: Program.path)
        let path = folder.path("\(name)1.service")
        try unit.write(toFile: path, atomically: true, encoding: .utf8)
        let verify = Process()
        let pipe = Pipe()
        verify.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-analyze")
        verify.arguments = ["verify", "--man=no", "--recursive-errors=no", path]
        verify.standardError = pipe
        try verify.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        verify.waitUntilExit()
        #expect(verify.terminationStatus == 0, "\(said)")
        #expect(!said.contains("Unknown") && !said.contains("Failed to parse"), "\(said)")
    }

    /// What the program is linked with, and Swift's own libraries with it, which are linked statically there: Debian's
    /// packages of these are installed in the image that runs it.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dpkg"), "needs dpkg"))
    func theImageHasTheLibrariesThatTheProgramNeeds() throws {
        func output(_ command: String, _ arguments: [String]) throws -> String {
            let running = try RunningProgram([command] + arguments, program: "/usr/bin/env")
            #expect(running.waitForExit() == 0, "\(command) \(arguments): \(running.errors)")
            return running.output
        }
        /// Where each library lies that a file needs, its own needs included.
        let found = try output("ldd", [Program.path]).split(separator: "\n").reduce(into: [String: String]()) {
            paths, line in
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 2, words[1] == "=>", words[2].hasPrefix("/") { paths[String(words[0])] = String(words[2]) }
        }
        func needs(_ path: String) throws -> [String] {
            try output("readelf", ["--dynamic", path]).matches(of: /\(NEEDED\).*\[(.+)\]/).map { String($0.1) }
        }
        var (direct, waiting, seen): (Set<String>, [String], Set<String>) = ([], [Program.path], [])
        while let path = waiting.popLast() {
            for name in try needs(path) where seen.insert(name).inserted {
                guard let place = found[name] else { continue }
                let isSwift =
                    place.contains("/swift/") || name.contains("swift") || name.hasPrefix("lib_Foundation")
                    || name.hasPrefix("libFoundation") || name.hasPrefix("libdispatch") || name.hasPrefix("libBlocks")
                if isSwift {
                    waiting.append(place)
                } else {
                    direct.insert(URL(fileURLWithPath: place).resolvingSymlinksInPath().path)
                }
            }
        }
        #expect(direct.count > 4)
        let packages = try Set(
            direct.map { path in
                String(
                    try output("dpkg-query", ["--search", "*/" + path.split(separator: "/").last!]).prefix {
                        $0 != ":" && $0 != ","
                    })
            })
        let file = try Self.text("container/Containerfile")
        let stage = file[try #require(file.range(of: "\nFROM docker.io/library/debian")).lowerBound...]
        // In every image.
        for package in packages.subtracting(["libc6", "libgcc-s1"]) {
            #expect(stage.contains(" \(package) "), "\(package) is not installed in the image")
        }
    }

    @Test func theContainerHasTheLibrariesOfThePackages() throws {
        let file = try Self.text("container/Containerfile")
        let script = try String(
            contentsOf: Program.package.appendingPathComponent("scripts/lib/packages.sh"), encoding: .utf8)
        let line = try #require(script.split(separator: "\n").first { $0.hasPrefix("build_packages=(") })
        for package in line.dropFirst("build_packages=(".count).dropLast().split(separator: " ") {
            #expect(file.contains(package), "\(package) is not installed for the build")
        }
        #expect(file.contains("--static-swift-stdlib") && file.contains("USER 10001"))
    }
}
