import Common
import Coordination

/// What can happen in a simulated cluster.
enum ClusterEvent {
    /// A worker's letter reaches the coordinator's address.
    case toCoordinator(WorkerLetter, from: ProcessID)
    case toWorker(ProcessID, CoordinatorLetter)
    /// A letter of another worker reaches a worker.
    case toPeer(ProcessID, PeerLetter)
    /// The deadline that a process set itself.
    case coordinatorAlarm
    case workerAlarm(ProcessID)
    /// The coordinator's compute thread is done with a piece of work; of no interest to a later epoch.
    case reduced(Work, KeptContributions, [Int: Model.Parameters], isLast: Bool, Epoch)
    /// The coordinator's compute thread has computed a node itself.
    case recomputed(Contribution, Tensors, Epoch)
    /// The results are on disk.
    case concluded(Epoch)
    case loaded(ProcessID)
    /// The worker's compute thread is done with one shard.
    case blockDone(ProcessID)
    /// A worker is done with a piece that it sums for its group; of no interest to a later generation.
    case summed(ProcessID, PieceSum, Model.Parameters, generation: Int)
    case startCoordinator
    case startWorker(name: String)
    case fault(Fault)
    /// The end of a lasting fault.
    case mend([LinkID])
    case unclog([LinkID])
    case speedUp(ProcessID)
    case healDisk
    /// Faults are over.
    case calm
    /// A person looks whether there are workers enough.
    case topUp
    /// The launcher looks after its processes.
    case launcherLooks

    /// Whose event it is: it waits while that process is paused.
    var subject: Subject {
        switch self {
        case .toCoordinator, .coordinatorAlarm, .reduced, .recomputed, .concluded: .coordinator
        case .toWorker(let process, _), .toPeer(let process, _), .workerAlarm(let process), .loaded(let process),
            .blockDone(let process), .summed(let process, _, _, _):
            .worker(process)
        default: .nobody
        }
    }

    enum Subject {
        case coordinator
        case worker(ProcessID)
        case nobody
    }
}

/// The contributions that count in one piece of work, in the order of their arrival.
struct KeptContributions {
    private(set) var entries: [(node: TreeNode, tensors: Tensors)] = []

    mutating func keep(_ node: TreeNode, _ tensors: Tensors) { entries.append((node, tensors)) }

    mutating func drop(_ node: TreeNode) { entries.removeAll { $0.node == node } }

    /// The sum over all shards in the canonical order.
    func sum(shards: Int) -> Tensors {
        TreeNode.root(shards: shards).reduce(
            { node in entries.first { $0.node == node }?.tensors }, add: +)
    }

    /// What a careless coordinator would compute.
    func sumInOrderOfArrival() -> Tensors { entries.dropFirst().reduce(entries[0].tensors) { $0 + $1.tensors } }
}
