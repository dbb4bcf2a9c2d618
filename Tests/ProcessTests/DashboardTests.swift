import Foundation
import Testing

/// The dashboard in a real browser, while workers train, die, are drained, and while the coordinator goes away.
@Suite struct DashboardTests {
    static let browser = ProcessInfo.processInfo.environment["SELMIX_TEST_CHROMIUM"]

    @Test(.enabled(if: browser != nil, "needs Chromium: scripts/test --all"))
    func theDashboardShowsWhatHappens() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 3))
        try eventually("step 100") { run.lastStep >= 100 }
        let page = try Browser(#require(Self.browser), page: run.http)
        func shows(_ what: String, _ condition: String) throws {
            try eventually(what) { try page.finds(condition) }
        }
        /// The text of a worker's card.
        func card(_ name: String) -> String {
            "(document.querySelector('[aria-label=\"Worker \(name)\"]')?.textContent ?? '')"
        }

        try shows("a live connection", "document.querySelector('.link').textContent === 'Live'")
        try shows("the name", "document.querySelector('h1').textContent === 'digits-min-recall'")
        try shows("three workers", "document.querySelectorAll('.card:not(.gone)').length === 3")
        try shows("the objective", "document.querySelectorAll('#rounds svg[role=img]').length >= 2")
        try shows("recall by class", "document.querySelectorAll('#recall circle').length >= 20")
        _ = try page.evaluate("document.querySelector('#matrices').scrollIntoView()")
        try shows("four matrices", "document.querySelectorAll('#matrices canvas').length === 4")
        try shows("pairs and events", "document.querySelectorAll('#pairs tr, #events tr').length > 6")
        try shows("steps by worker", "document.querySelectorAll('#time svg[role=img]').length === 2")
        #expect(try page.evaluate("document.body.textContent.includes('NaN')") == "false")

        kill(try #require(run.workers["local-2"]), SIGKILL)
        try shows("the lost worker", "\(card("local-2")).includes('lost')")
        try shows("its reason", "\(card("local-2")).includes('SIGKILL')")
        try shows("that it needs a look", "document.querySelector('.answer').textContent.startsWith('Needs a look')")
        try shows("the event", "document.querySelector('#events').textContent.includes('local-2')")

        // A first click asks, a second one drains.
        let button = "document.querySelector('[aria-label=\"Worker local-3\"] button')"
        _ = try page.evaluate("\(button).click()")
        #expect(try page.evaluate("\(button).textContent") == "Really drain local-3?")
        _ = try page.evaluate("\(button).click()")
        try shows("the drained worker", "\(card("local-3")).includes('left')")
        try eventually("the worker's leave") { run.events("worker-left").count == 1 }

        #expect(page.complaints.isEmpty, "\(page.complaints)")
        train.send(SIGKILL)
        _ = train.waitForExit()
        try shows("the lost connection", "document.querySelector('.link').textContent === 'No connection'")
        try shows("since when", "document.querySelector('.notice.bad').textContent.includes('has not answered for')")
    }

    @Test(.enabled(if: browser != nil, "needs Chromium: scripts/test --all"))
    func theDashboardShowsTheEnd() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 100") { run.lastStep >= 100 }
        let page = try Browser(#require(Self.browser), page: run.http)
        try eventually("a live connection") { try page.finds("document.querySelector('.link').textContent === 'Live'") }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
        try eventually("the end") {
            try page.finds("document.querySelector('.answer').textContent.startsWith('Interrupted')")
        }
        #expect(try page.evaluate("document.querySelector('.link').textContent").hasPrefix("The run is over"))
        #expect(page.complaints.isEmpty, "\(page.complaints)")
    }
}
