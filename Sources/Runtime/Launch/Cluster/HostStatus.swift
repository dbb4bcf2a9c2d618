/// What a launcher has found out about a host before it starts anything there.
public struct HostStatus: Codable, Sendable {
    public var host: String
    public var version: String?
    public var matrixLibrary: String?
    public var instructionSet: String?
    public var cores: Int?
    /// How far the host's clock is ahead of this machine's.
    public var clockSeconds: Double?
    /// Workers that are to run there.
    public var workers = 0
    /// What is worth knowing and keeps nothing from starting.
    public var notes: [String] = []
    /// Why it cannot take part; empty if it can.
    public var problems: [Problem] = []

    public struct Problem: Codable, Sendable, Equatable {
        public var reason: String
        public var hint: String?
    }

    init(host: String) { self.host = host }
}

extension HostStatus {
    /// Clocks may differ by this much before the times in logs and reports make no sense.
    static let clockTolerance = 60.0

    /// Takes up what the host says of itself, and what in it keeps the host out.
    ///
    /// - Parameter now: seconds since 1970 on this machine.
    mutating func take(_ facts: HostFacts, now: Double) {
        version = facts.version
        matrixLibrary = facts.matrixLibrary
        instructionSet = facts.bestInstructionSet
        cores = facts.cores
        let ahead = facts.clock - now
        clockSeconds = (ahead * 10).rounded() / 10
        if facts.version != Version.current {
            add(
                "selmix \(facts.version) is installed there, \(Version.current) here",
                hint: "install the same version, or copy this one with --ship")
        }
        if abs(ahead) > Self.clockTolerance {
            add(
                "its clock is \(Int(abs(ahead).rounded())) s \(ahead > 0 ? "ahead" : "behind")",
                hint: "set it, for example with `timedatectl set-ntp true`")
        }
    }

    /// Takes up what a check found.
    ///
    /// - Parameters:
    ///   - libraryHere: the version of oneDNN here.
    ///   - probe: of the run, as computed here.
    ///   - fetches: whether workers fetch data that they do not have.
    mutating func take(
        _ findings: HostFindings, instructionSet needed: String, libraryHere: String, probe: UInt64, fetches: Bool
    ) {
        if let matrixLibrary, matrixLibrary != libraryHere {
            add(
                "oneDNN \(matrixLibrary) is installed there, \(libraryHere) here: they may round differently",
                hint: "install the same version, or copy this one with --ship")
        } else if !findings.hasInstructionSet {
            add(
                "it lacks the instruction set \(needed)",
                hint: instructionSet.map {
                    "set `cluster.instructionSet: \($0)` in the job file, or leave the host out"
                })
        } else if let found = findings.probe, found != probe {
            add("its processor or oneDNN rounds differently than here", hint: "leave the host out")
        }
        for problem in findings.data {
            if fetches {
                notes.append("\(problem): fetched from here")
            } else {
                add(
                    problem,
                    hint:
                        "put the same data at the same path there, or let workers fetch it: `cluster.staging: missing`")
            }
        }
        for problem in findings.network {
            add(
                problem,
                hint:
                    "a firewall may be between; open a port and name it, or another address: --bind tcp://ADDRESS:PORT")
        }
        if let disk = findings.disk { add(disk, hint: "make room there, or set TMPDIR for logins on that host") }
    }

    mutating func add(_ reason: String, hint: String? = nil) { problems.append(Problem(reason: reason, hint: hint)) }
}
