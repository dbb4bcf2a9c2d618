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

    /// The image is the tarball, which brings along what the program needs, and what `COPY . .` takes is all that is needed to make it.
    @Test func theContainerIsTheTarball() throws {
        let file = try Self.text("container/Containerfile")
        #expect(file.contains("scripts/package --tarball-only") && file.contains("USER 10001"))
        let images = file.matches(of: /ARG (?:SWIFT|BASE)=(\S+)/).map(\.output.1)
        #expect(images.count == 2 && images.allSatisfy { $0.contains(/:[0-9]+\.[0-9]+/) }, "\(images) are not pinned")
        let ignored = try String(contentsOf: Program.package.appendingPathComponent(".dockerignore"), encoding: .utf8)
        for name in ["Package.swift", "Sources", "Tests", "cluster", "scripts", "python", "README.md", "LICENSE"] {
            #expect(!ignored.split(separator: "\n").contains(Substring(name)), "\(name) is needed to build")
        }
    }

    @Test func theTokenReachesCoordinatorAndPrometheusFromOneSecret() throws {
        let job = try Self.text("kubernetes/selmix.yaml")
        let monitor = try #require(try Yams.load(yaml: Self.text("kubernetes/podmonitor.yaml")) as? [String: Any])
        let endpoint = ((monitor["spec"] as? [String: Any])?["podMetricsEndpoints"] as? [[String: Any]])?.first
        let credentials = (endpoint?["authorization"] as? [String: Any])?["credentials"] as? [String: String]
        #expect(credentials == ["name": "selmix-http-token", "key": "token"])
        #expect(endpoint?["path"] as? String == "/metrics" && endpoint?["port"] as? String == "http")
        #expect(job.contains("--http-token-file=/keys/http-token"))
        #expect(job.contains("name: selmix-http-token") && job.contains("{key: token, path: http-token}"))
    }
}
