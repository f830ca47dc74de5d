//! The XML of JUnit: a test case a transcript, in one suite.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Outcome, Report, told};

/// The library's type has the name that the trait has here.
type Document = quick_junit::Report;

pub struct Junit {
    suite: TestSuite,
}

impl Default for Junit {
    fn default() -> Self {
        Self { suite: TestSuite::new("transcripts") }
    }
}

impl Report for Junit {
    fn outcome(&mut self, _out: &mut dyn Write, Outcome { name, took, result }: &Outcome) -> io::Result<()> {
        let status = match result {
            Ok(_) => TestCaseStatus::success(),
            Err(error) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(error.to_string()).set_description(told(error));
                status
            }
        };
        let mut case = TestCase::new(name.as_str(), status);
        case.set_classname("transcripts").set_time(*took);
        if let Err(error) = result {
            case.extra.insert("file".into(), error.transcript.as_str().into());
            case.extra.insert("line".into(), error.line.to_string().into());
        }
        self.suite.add_test_case(case);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut document = Document::new("guestlist replay");
        document.set_time(self.suite.test_cases.iter().filter_map(|case| case.time).sum());
        document.add_test_suite(self.suite.clone());
        document.serialize(out).map_err(io::Error::other)
    }
}
