//! The commands that move files, and what each of them needs and leaves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Output;
use crate::support::api::Api;
use crate::support::app;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    CopyFrom,
    CopyTo,
    ExportBuild,
    ImportBuild,
    ExportApp,
    ImportApp,
    ExportResource,
    ImportResource,
}

/// The last line of what is copied and exported.
pub(crate) const LAST: &str = "the last line\n";

impl Work {
    pub(crate) const ALL: [Self; 8] = [
        Self::CopyFrom,
        Self::CopyTo,
        Self::ExportBuild,
        Self::ImportBuild,
        Self::ExportApp,
        Self::ImportApp,
        Self::ExportResource,
        Self::ImportResource,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CopyFrom => "cp PROCESS:/data got",
            Self::CopyTo => "cp tree PROCESS:/copy",
            Self::ExportBuild => "builds export",
            Self::ImportBuild => "builds import",
            Self::ExportApp => "apps export",
            Self::ImportApp => "apps import",
            Self::ExportResource => "resources export",
            Self::ImportResource => "resources import",
        }
    }

    /// Whether its rack is one with a script: the development rack's resources are programs that
    /// may not be installed.
    pub(crate) fn has_resources(self) -> bool {
        matches!(self, Self::ExportApp | Self::ExportResource | Self::ImportResource)
    }

    /// Whether it writes a file under the name of one that is there.
    pub(crate) fn exports(self) -> bool {
        matches!(self, Self::ExportBuild | Self::ExportApp | Self::ExportResource)
    }

    /// Whether it changes something at the rack.
    pub(crate) fn changes(self) -> bool {
        matches!(self, Self::CopyTo | Self::ImportBuild | Self::ImportApp | Self::ImportResource)
    }

    /// Whether a request of it is the one for the data that it writes to a file.
    pub(crate) fn is_download(self, key: &str) -> bool {
        let ends = ["/builds/BUILD", "/data", "/files?file=%2Fdata"];
        !self.changes() && ends.iter().any(|end| key.ends_with(end))
    }

    /// Whether a request of it sends a file.
    pub(crate) fn is_upload(self, key: &str) -> bool {
        let ends = ["POST /apps/APP/builds/BUILD", "/data", "PROCESS/files"];
        self.changes() && ends.iter().any(|end| key.ends_with(end))
    }

    pub(crate) fn args(self, scene: &Scene) -> Vec<String> {
        let text = match self {
            Self::CopyFrom => "cp PROCESS:/data out/got -a web",
            Self::CopyTo => "cp in/tree PROCESS:/APP -a web",
            Self::ExportBuild => "builds export BUILD --file out/got -a web",
            Self::ImportBuild => "builds import --file in/build.tgz -a APP",
            Self::ExportApp => "apps export web --file out/got",
            Self::ImportApp => "apps import APP --file in/app.tgz",
            Self::ExportResource => "resources export db --file out/got -a web",
            Self::ImportResource => "resources import db --file in/dump -a web",
        };
        let process = &scene.source.process;
        let build = if self.has_resources() { "BACTIVE" } else { &scene.source.build };
        let text = text.replace("PROCESS", process).replace("BUILD", build);
        text.replace("APP", &scene.app).split(' ').map(str::to_owned).collect()
    }
}

/// What all runs copy and export.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) process: String,
    pub(crate) build: String,
    /// The archives of a build and of an app.
    pub(crate) archives: PathBuf,
}

impl Source {
    /// Creates an app with a process that has files.
    pub(crate) async fn create(api: &Api, archives: PathBuf) -> Self {
        api.post("/apps", &[("name", "web")]).await;
        let long = format!("{}{LAST}", "a line of a file that is copied\n".repeat(20_000));
        let files = [
            ("convox.yml", app::IDLE),
            ("data/long.txt", long.as_str()),
            ("data/a.txt", LAST),
            ("noise.txt", &noise()),
        ];
        let (build, release) = api.build("web", &app::archive(&files)).await;
        api.promote("web", &release).await;
        let running = |list: &serde_json::Value| list[0]["status"] == "running";
        let listed = api.until("/apps/web/processes", running).await;
        let process = listed[0]["id"].as_str().unwrap().to_owned();
        Self { process, build, archives }
    }
}

/// A text that hardly becomes smaller when it is compressed.
fn noise() -> String {
    let mut seed: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        format!("{seed:016x}")
    };
    (0..20_000).map(|_| next()).collect()
}

/// A run: a directory with `in` and `out`, and a name of its own at the rack.
pub(crate) struct Scene {
    pub(crate) source: std::sync::Arc<Source>,
    pub(crate) home: tempfile::TempDir,
    pub(crate) app: String,
}

/// What a file that is replaced had before.
pub(crate) const BEFORE: &str = "what was there before";

impl Scene {
    pub(crate) async fn prepare(
        work: Work,
        api: &Api,
        source: &std::sync::Arc<Source>,
        app: String,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        for name in ["in/tree", "out", "tmp"] {
            fs::create_dir_all(home.path().join(name)).unwrap();
        }
        let within = |name: &str| home.path().join(name);
        match work {
            Work::CopyTo => {
                fs::write(within("in/tree/a.txt"), LAST).unwrap();
                fs::write(within("in/tree/z.bin"), vec![7; 700_000]).unwrap();
            }
            Work::ImportBuild => {
                api.post("/apps", &[("name", &app)]).await;
                api.running(&app).await;
                fs::copy(source.archives.join("build.tgz"), within("in/build.tgz"))
                    .map(drop)
                    .unwrap();
            }
            Work::ImportApp => {
                fs::copy(source.archives.join("app.tgz"), within("in/app.tgz")).map(drop).unwrap();
            }
            Work::ImportResource => fs::write(within("in/dump"), Self::dump_of(&app)).unwrap(),
            work if work.exports() => fs::write(within("out/got"), BEFORE).unwrap(),
            _ => {}
        }
        Self { source: source.clone(), home, app }
    }

    /// A dump that no other run imports.
    pub(crate) fn dump_of(app: &str) -> String {
        format!("{}-- {app}\n", "insert into t values (1);\n".repeat(5_000))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Fails unless the run has left nothing behind, and what was there before as it was.
    pub(crate) fn is_untouched_by(&self, work: Work, ran: &Output) {
        assert_eq!(self.names("tmp"), [""; 0], "{ran}");
        if work.exports() {
            assert_eq!(self.names("out"), ["got"], "{ran}");
            assert_eq!(fs::read_to_string(self.path("out/got")).unwrap(), BEFORE);
        } else {
            assert_eq!(self.names("out"), [""; 0], "{ran}");
        }
    }

    /// The names in a directory of the run, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        names(&self.path(directory))
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
