import Common
import Coordination
import Dispatch
import Logging
import Messaging

/// Fetches the files that this machine lacks: carries out what ``StagingSession`` decides.
///
/// Of the network thread; what touches the disk runs on the queue that will compute later.
final class WorkerStaging {
    private final class DiskBox: @unchecked Sendable {
        let disk: StagingDisk
        init(_ disk: StagingDisk) { self.disk = disk }
    }

    /// What it asks of the worker's shell.
    struct Actions {
        /// Sends over the bulk socket; what cannot be sent is asked for again later.
        var send: (WorkerMessage) -> Void
        /// Hands in an event from another thread.
        var post: @Sendable (StagingEvent) -> Void
        /// All files are here: where each lies. From another thread.
        var done: @Sendable ([String: String]) -> Void
        var fail: (SelMixError) -> Void
    }

    private let fileCount: Int
    private let box: DiskBox
    private let queue: DispatchQueue
    private let log: Logger
    private var actions: Actions
    private var session: StagingSession
    private var bytes: [ChunkID: TensorFrame] = [:]
    private var toldTenths: UInt64 = 0
    private(set) var hasStarted = false

    init(
        _ job: Job, roots: DataRoot, cache: @escaping @Sendable () throws -> FileCache, retryInterval: Duration,
        queue: DispatchQueue, log: Logger, actions: Actions
    ) {
        let files = job.workerFiles
        fileCount = files.count
        box = DiskBox(
            StagingDisk(
                paths: files, roots: roots, usesOwnFiles: job.cluster.staging == .missing, cache: cache, log: log))
        self.queue = queue
        self.log = log
        self.actions = actions
        session = StagingSession(retryInterval: retryInterval)
    }

    var nextDeadline: Instant? { session.nextDeadline }
    var progress: StagingProgress? { session.progress.totalBytes > 0 ? session.progress : nil }

    /// Begins as soon as there is a connection.
    func start() {
        hasStarted = true
        handle(.started)
    }

    func receive(_ packet: Packet<CoordinatorMessage>) {
        switch packet.message {
        case .files(let chunkBytes):
            guard chunkBytes == StagedFile.chunkBytes, let list = FileList(packet.tensors, count: fileCount) else {
                log.warning("dropped a list of files that is none")
                return
            }
            handle(.listed(list.files))
        case .chunk(let id):
            guard let frame = packet.tensors[named: "bytes"], frame.type == .bytes else { return }
            bytes[id] = frame
            handle(.received(id))
            // Not asked for (any more).
            bytes[id] = nil
        case .noFiles(let reason):
            handle(.failed(SelMixError(.cluster, "the coordinator cannot give this worker the data: \(reason)")))
        default: break
        }
    }

    func handle(_ event: StagingEvent) {
        for directive in session.step(event, at: SystemClock.now) { perform(directive) }
        tell()
    }

    private func perform(_ directive: StagingDirective) {
        switch directive {
        case .askForList: actions.send(.listFiles)
        case .request(let chunk): actions.send(.fetch(chunk))
        case .inspect(let files):
            let list = session.files
            onDisk { disk in
                disk.list(list)
                return .inspected(try disk.inspect(files))
            }
        case .write(let id):
            // Asked for within `receive`, which has just put it there.
            guard let frame = bytes[id] else { preconditionFailure("no bytes of \(id)") }
            onDisk { disk in
                try withExtendedLifetime(frame) { .written(id, isGood: try disk.write(id, frame.bytes)) }
            }
        case .seal(let file): onDisk { .sealed(file, isGood: try $0.seal(file)) }
        case .finish:
            if let progress { log.notice("fetched \(Int(clamping: progress.totalBytes).bytesTold)") }
            queue.async { [box, done = actions.done] in done(box.disk.localPaths) }
        case .fail(let error): actions.fail(error)
        }
    }

    private func onDisk(_ body: @escaping @Sendable (StagingDisk) throws -> StagingEvent) {
        queue.async { [box, post = actions.post] in
            do {
                post(try body(box.disk))
            } catch {
                post(.failed(SelMixError(describing: error)))
            }
        }
    }

    /// A line for every tenth.
    private func tell() {
        guard let progress else { return }
        let tenths = 1 + progress.doneBytes * 10 / progress.totalBytes
        guard tenths > toldTenths, tenths <= 10 else { return }
        toldTenths = tenths
        log.notice(
            "fetching data from the coordinator: \(Int(clamping: progress.doneBytes).bytesTold) of \(Int(clamping: progress.totalBytes).bytesTold)"
        )
    }
}
