import Testing

@testable import Runtime

/// What is said about a value of the wrong type. Lines after `JobFileTests.minimal` start at 7.
@Suite struct JobTypeTests {
    @Test(arguments: [
        JobMistake("batch: abc", "`batch` must be a whole number, not `abc` (job.yaml line 7)"),
        JobMistake("batch: 6.5", "`batch` must be a whole number, not `6.5` (job.yaml line 7)"),
        JobMistake("batch: '64'", "`batch` must be a whole number, not the text `64` (job.yaml line 7)"),
        JobMistake("batch: [64]", "`batch` must be a whole number, not a list (job.yaml line 7)"),
        JobMistake(
            "optimizer:\n  momentum: {}", "`optimizer.momentum` must be a number, not a mapping (job.yaml line 8)"),
        JobMistake("optimizer: {momentum: nan}", "`optimizer.momentum` must be a number, not `nan` (job.yaml line 7)"),
        JobMistake("name: [a]", "`name` must be text, not a list (job.yaml line 7)"),
        JobMistake("name: ''", "`name` must be text, not the text `` (job.yaml line 7)"),
        JobMistake("selmix: 3", "`selmix` must be a mapping, not `3` (job.yaml line 7)"),
        JobMistake(
            "selmix: {policy: class_balanced}",
            "`selmix.policy` must be selmix, uniform, class-balanced, instance or resampling, not "
                + "`class_balanced` "
                + "(job.yaml line 7)", "did you mean `class-balanced`?"),
        JobMistake(
            "optimizer: {schedule: off}", "`optimizer.schedule` must be cosine or constant, not `off` (job.yaml line 7)"
        ),
        JobMistake(
            "selmix: {temperature: 0.5}",
            "`selmix.temperature` must be `{relative: 0.5}` or `{absolute: 0.1}`, not `0.5` (job.yaml line 7)"),
        JobMistake(
            "selmix: {temperature: {relative: 1, absolute: 1}}",
            "`selmix.temperature` is both relative and absolute (job.yaml line 7)",
            "give `{relative: 0.5}` or `{absolute: 0.1}` as a whole"),
        JobMistake(
            "selmix: {temperature: {}}", "`selmix.temperature` has no value (job.yaml line 7)",
            "give `{relative: 0.5}` or `{absolute: 0.1}`"),
        JobMistake(
            "selmix: {mixRatio: 0.6}",
            "`selmix.mixRatio` must be two numbers such as `[0.6, 1.0]`, not `0.6` (job.yaml line 7)"),
        JobMistake(
            "selmix: {mixRatio: [0.6, a]}",
            "`selmix.mixRatio` must be two numbers such as `[0.6, 1.0]` (job.yaml line 7)"),
        JobMistake(
            "cluster: {failureTimeout: soon}",
            "`cluster.failureTimeout` must be a time such as `2s`, `500ms` or `1m`, not `soon` (job.yaml line 7)"),
    ])
    func wrongTypes(_ mistake: JobMistake) {
        mistake.check(in: JobFileTests.minimal + "\n" + mistake.text)
    }
}
