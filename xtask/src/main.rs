//! `cargo xtask …`: builds the web page, serves it, tests and measures the lot.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{
    bench, engines, fuzz, gpu_kit, licences, page, quality, release_archive, samples, serve, suite,
    wasm,
};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, serves, tests and measures pix2pix"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build everything and run every test
    Test {
        /// Check formatting and lints first
        #[arg(long)]
        lint: bool,
        /// In place of the suite, run the examples for Spark and Ray, and exported models in
        /// onnxruntime-web; installs them into target/peers, a gigabyte
        #[arg(long, conflicts_with = "lint")]
        engines: bool,
    },
    /// Check format, types and lints of all sources, and what they depend on
    Lint,
    /// Build the page and open it in a browser
    Serve {
        /// Port on this machine; 0 takes a free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// A model folder to open the page with, such as runs/demo/export
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
        /// Print the address without opening a browser
        #[arg(long)]
        no_open: bool,
    },
    /// Build the page into www/dist
    BuildWeb,
    /// Build the browser modules into www/pkg
    BuildWasm {
        /// Build faster, for larger and unoptimised modules with readable names
        #[arg(long)]
        dev: bool,
    },
    /// Complete what trunk has copied: join scripts, list files; trunk runs this
    CompleteWeb,
    /// Make the small pictures of the page's models, and those of the README, from the models' samples
    Samples {
        /// In place of those, what goes wrong in trainings, for docs/training.md: trains some, for minutes
        #[arg(long)]
        troubles: bool,
    },
    /// Collect the licence texts of what is compiled into the page's modules
    Licences,
    /// Read many nearly valid files of every format, and keep those that end a reader
    Fuzz {
        /// How long
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// Which cases; each follows from the seed and its number
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One format alone, such as png or weights
        #[arg(long, value_name = "NAME")]
        format: Option<String>,
    },
    /// Measure speed and sizes, as Markdown tables
    Bench {
        /// Measure PyTorch, onnxruntime and onnxruntime-web beside it; installs them into
        /// target/peers, several gigabytes
        #[arg(long)]
        peers: bool,
    },
    /// Pack target/gpu-kit.tar.xz, whose run.sh checks and measures the GPU of a machine without a
    /// network, PyTorch beside it
    GpuKit,
    /// Pack trainer, page, completions, manual pages and licences into target/release-archive
    ReleaseArchive,
    /// Train beside PyTorch on the same samples and judge both, as a Markdown table; installs
    /// PyTorch into target/peers, several gigabytes
    Quality {
        /// Training steps
        #[arg(long, default_value_t = 2000)]
        steps: u64,
        /// Trainings of each data set
        #[arg(long, default_value_t = 3)]
        seeds: u64,
        /// Feature maps of the outermost layers
        #[arg(long, default_value_t = 16)]
        base: u32,
        /// A folder of photos to learn --task on, after the drawn façades
        #[arg(long, value_name = "DIR")]
        photos: Option<PathBuf>,
        /// What to learn to undo to the photos, as for `trainer train`
        #[arg(long, default_value = "deblur")]
        task: String,
        /// Drawn façades to judge on, and four times as many to train on; 0 for none
        #[arg(long, value_name = "N", default_value_t = 100)]
        facades: u64,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { engines: true, .. } => engines::run(),
        Task::Test { lint, .. } => suite::run(lint),
        Task::Lint => suite::lint(),
        Task::Serve {
            port,
            model,
            no_open,
        } => serve::run(&serve::Options {
            port,
            model,
            open_browser: !no_open,
        }),
        Task::BuildWeb => page::build().map(drop),
        Task::CompleteWeb => page::complete(),
        Task::Samples { troubles } => samples::make(troubles),
        Task::Licences => licences::collect(),
        Task::BuildWasm { dev } => wasm::build(dev),
        Task::Fuzz {
            minutes,
            seed,
            format,
        } => fuzz::run(minutes, seed, format.as_deref()),
        Task::Bench { peers } => bench::run(peers),
        Task::GpuKit => gpu_kit::pack().map(|archive| println!("{}", archive.display())),
        Task::ReleaseArchive => {
            release_archive::pack().map(|archive| println!("{}", archive.display()))
        }
        Task::Quality {
            steps,
            seeds,
            base,
            photos,
            task,
            facades,
        } => quality::run(&quality::Options {
            steps,
            seeds,
            base,
            photos,
            task,
            facades,
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
