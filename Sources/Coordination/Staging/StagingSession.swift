import Common

/// How a worker gets the files that it does not have, as a value: what to ask for next, what to ask for again, and when to
/// give up.
///
/// The list comes first, then a look at the disk. What is missing is fetched chunk by chunk, file after file, with a few
/// requests under way at a time; each is a credit, so that a worker that stages costs the coordinator a bounded queue and
/// the training of others little. A chunk is written when its digest is right and asked for again when not. Whoever is
/// killed finds all written chunks again. A file that another process of the machine fetches is waited for.
public struct StagingSession: Sendable {
    /// Requests under way.
    public static let window = 8
    /// How often a chunk may arrive damaged.
    static let damagedLimit = 3

    private enum FileState: Equatable {
        case inspecting
        case fetching(left: Int)
        case sealing
        case busy(since: Instant)
        case whole
    }

    private let retryInterval: Duration
    /// Empty until they are known.
    public private(set) var files: [StagedFile] = []
    private var states: [FileState] = []
    /// To be asked for, the next one last.
    private var queue: [ChunkID] = []
    /// Asked for and not arrived.
    private var requested: Set<ChunkID> = []
    /// Arrived and not written.
    private var writing: Set<ChunkID> = []
    private var damaged: [ChunkID: Int] = [:]
    private var isOver = false
    private var hasStarted = false
    private var lastSign = Instant.origin
    public private(set) var progress = StagingProgress(doneBytes: 0, totalBytes: 0)

    /// - Parameter retryInterval: how long nothing may arrive before it is asked for again.
    public init(retryInterval: Duration) { self.retryInterval = retryInterval }

    public mutating func step(_ event: StagingEvent, at now: Instant) -> [StagingDirective] {
        guard !isOver else { return [] }
        var directives: [StagingDirective] = []
        switch event {
        case .started:
            hasStarted = true
            lastSign = now
            directives.append(.askForList)
        case .listed(let list):
            // A second copy of the answer says nothing new.
            guard files.isEmpty else { break }
            files = list
            states = Array(repeating: .inspecting, count: list.count)
            directives.append(.inspect(Array(list.indices)))
        case .inspected(let found):
            for (file, local) in found.sorted(by: { $0.key < $1.key }) { note(local, of: file, at: now) }
        case .received(let chunk):
            guard requested.remove(chunk) != nil else { break }
            lastSign = now
            writing.insert(chunk)
            directives.append(.write(chunk))
        case .written(let chunk, let isGood):
            onWritten(chunk, isGood: isGood, &directives)
        case .sealed(let file, let isGood):
            guard isGood else {
                let message = "a fetched file does not have the digest that the coordinator told"
                fail(
                    SelMixError(.cluster, message, hint: "the disk of the cache may be damaged; try another --cache"),
                    &directives)
                break
            }
            states[file] = .whole
        case .failed(let error):
            fail(error, &directives)
        case .tick:
            onTick(at: now, &directives)
        }
        proceed(at: now, &directives)
        return directives
    }

    /// When a tick is due even if nothing else happens.
    public var nextDeadline: Instant? {
        guard hasStarted, !isOver else { return nil }
        var deadlines = states.compactMap { if case .busy(let since) = $0 { since + retryInterval / 4 } else { nil } }
        if files.isEmpty || !requested.isEmpty { deadlines.append(lastSign + retryInterval) }
        return deadlines.min()
    }

    private mutating func note(_ local: LocalFile, of file: Int, at now: Instant) {
        guard states.indices.contains(file), states[file] == .inspecting else { return }
        switch local {
        case .whole: states[file] = .whole
        case .busy: states[file] = .busy(since: now)
        case .partial(let missing):
            let chunks = Set(missing).filter(files[file].chunkDigests.indices.contains).sorted()
            states[file] = .fetching(left: chunks.count)
            queue.insert(contentsOf: chunks.reversed().map { ChunkID(file: file, chunk: $0) }, at: 0)
            progress.totalBytes += UInt64(chunks.reduce(0) { $0 + files[file].range(of: $1).count })
        }
    }

    private mutating func onWritten(_ chunk: ChunkID, isGood: Bool, _ directives: inout [StagingDirective]) {
        guard writing.remove(chunk) != nil, case .fetching(let left) = states[chunk.file] else { return }
        if isGood {
            states[chunk.file] = .fetching(left: left - 1)
            progress.doneBytes += UInt64(files[chunk.file].range(of: chunk.chunk).count)
            return
        }
        damaged[chunk, default: 0] += 1
        guard damaged[chunk]! < Self.damagedLimit else {
            fail(
                SelMixError(
                    .cluster, "\(chunk) arrived damaged \(Self.damagedLimit) times",
                    hint: "the file may have been changed at the coordinator since it started; start the run again"),
                &directives)
            return
        }
        queue.append(chunk)
    }

    private mutating func onTick(at now: Instant, _ directives: inout [StagingDirective]) {
        if now >= lastSign + retryInterval {
            if files.isEmpty {
                lastSign = now
                directives.append(.askForList)
            } else if !requested.isEmpty {
                // Lost, or asked of a coordinator that has been restarted since.
                lastSign = now
                for chunk in requested.sorted(by: { ($0.file, $0.chunk) < ($1.file, $1.chunk) }) {
                    directives.append(.request(chunk))
                }
            }
        }
        let due = states.indices.filter {
            if case .busy(let since) = states[$0] { now >= since + retryInterval / 4 } else { false }
        }
        guard !due.isEmpty else { return }
        for file in due { states[file] = .inspecting }
        directives.append(.inspect(due))
    }

    /// Asks for more, and ends what is complete.
    private mutating func proceed(at now: Instant, _ directives: inout [StagingDirective]) {
        guard !isOver else { return }
        if requested.isEmpty, !queue.isEmpty { lastSign = now }
        while requested.count + writing.count < Self.window, let next = queue.popLast() {
            requested.insert(next)
            directives.append(.request(next))
        }
        for file in states.indices where states[file] == .fetching(left: 0) {
            states[file] = .sealing
            directives.append(.seal(file))
        }
        if !files.isEmpty, states.allSatisfy({ $0 == .whole }) {
            isOver = true
            directives.append(.finish)
        }
    }

    private mutating func fail(_ error: SelMixError, _ directives: inout [StagingDirective]) {
        isOver = true
        directives.append(.fail(error))
    }
}
