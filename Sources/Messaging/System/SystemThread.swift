import Common
import Glibc

/// Threads that the system may refuse.
///
/// Foundation's `Thread` starts nothing and says nothing where it does, and whoever waits for it waits for ever.
public enum SystemThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a thread of its own.
    ///
    /// - Throws: `failed` where there can be no more threads.
    public static func start(_ body: @escaping @Sendable () -> Void) throws {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw refusal(code)
        }
        pthread_detach(thread)
    }

    /// Makes sure that so many threads can run beside those that do now. Libraries that start some end the process where they
    /// cannot.
    public static func require(_ count: Int) throws {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(gate, nil)
        pthread_mutex_lock(gate)
        var threads: [pthread_t] = []
        defer {
            pthread_mutex_unlock(gate)
            for thread in threads { pthread_join(thread, nil) }
            pthread_mutex_destroy(gate)
            gate.deallocate()
        }
        for _ in 0..<count {
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { gate in
                    let gate = gate!.assumingMemoryBound(to: pthread_mutex_t.self)
                    pthread_mutex_lock(gate)
                    pthread_mutex_unlock(gate)
                    return nil
                }, gate)
            guard code == 0 else { throw refusal(code) }
            threads.append(thread)
        }
    }

    private static func refusal(_ code: Int32) -> SelMixError {
        SelMixError(
            .failed, "the system gives this process no more threads",
            hint: "raise the limit of processes (ulimit -u), or that of the container or service (pids.max, TasksMax)",
            cause: String(cString: strerror(code)))
    }
}
