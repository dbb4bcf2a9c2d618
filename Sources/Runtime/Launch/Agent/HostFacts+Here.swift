import Foundation
import SelMix

extension HostFacts {
    /// Those of this machine.
    static func here(environment: [String: String]) -> HostFacts {
        let process = ProcessInfo.processInfo
        return HostFacts(
            version: Version.current, matrixLibrary: InstructionSet.libraryVersion,
            bestInstructionSet: InstructionSet.best, host: process.hostName, processID: getpid(),
            cores: process.activeProcessorCount, clock: Date().timeIntervalSince1970,
            launcherAddress: launcherAddress(environment))
    }

    /// What sshd and Slurm tell the commands that they start about where they were started from.
    static func launcherAddress(_ environment: [String: String]) -> String? {
        if let connection = environment["SSH_CONNECTION"], let client = connection.split(separator: " ").first {
            return String(client)
        }
        return environment["SLURM_LAUNCH_NODE_IPADDR"]
    }
}
