#pragma once

/// What the program was built from: the commit and its date, such as "2a3ae02f1c, 2026-11-27", or "development build" where
/// the environment variable SELMIX_BUILD did not say it. In C because a Swift source can be given no text from outside.
const char *selmix_build_stamp(void);
