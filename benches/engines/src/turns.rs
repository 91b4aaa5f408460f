//! Taking samples in turns, each in a process of its own: by this program, and by another build of it
//! if there is one to compare with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use sse_bench_report::{Ratios, Samples, Table};

use crate::result::Result;
use crate::sample::Sample;

/// Takes samples.
pub(crate) struct Turns {
    ours: PathBuf,
    other: Option<PathBuf>,
    rounds: usize,
    /// What has been compared so far.
    compared: Table,
}

/// The figures of several samples, round by round.
#[derive(Default)]
pub(crate) struct Figures {
    /// By the figure's name.
    ours: BTreeMap<String, Samples>,
    /// Those of the other build.
    other: BTreeMap<String, Samples>,
}

impl Turns {
    pub(crate) fn new(rounds: usize, other: Option<PathBuf>) -> Result<Self> {
        Ok(Self {
            ours: std::env::current_exe()?,
            other,
            rounds,
            compared: Table::new(
                "This build, of what another build takes in the same rounds",
                ["sample", "figure", "of the other's"],
            ),
        })
    }

    /// Takes all samples in turns, in each round.
    pub(crate) fn take(&mut self, what: &str, samples: &[Sample]) -> Result<Figures> {
        let mut figures = Figures::default();
        for _ in 0..self.rounds {
            for sample in samples {
                take(&self.ours, sample, &mut figures.ours)?;
                if let Some(other) = &self.other
                    && sample.is_comparable()
                {
                    take(other, sample, &mut figures.other)?;
                }
            }
        }
        for sample in samples {
            for figure in figures.other.keys() {
                if let Some(ratios) = figures.of_other(figure, sample) {
                    let what = format!("{what}: {sample}");
                    self.compared
                        .row([what, figure.clone(), ratios.to_string()]);
                }
            }
        }
        Ok(figures)
    }

    /// Returns the ratios of all figures to those of the other build; `None` if there is none.
    pub(crate) fn comparison(&self) -> Option<Table> {
        let mut table = self.compared.clone();
        table.note(
            "Median and range of the rounds. All figures are costs, so less than 1 is better here.",
        );
        self.other.as_ref().map(|_| table)
    }
}

/// Lets a program take a sample.
fn take(program: &PathBuf, sample: &Sample, figures: &mut BTreeMap<String, Samples>) -> Result {
    let name = sample.to_string();
    let output = Command::new(program)
        .arg("sample")
        .args(sample.words())
        .output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {name}: {error}", program.display()).into());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let (figure, value) = line.rsplit_once(' ').ok_or("not a figure")?;
        let samples = figures.entry(figure.to_owned()).or_default();
        samples.record(&name, value.parse()?);
    }
    Ok(())
}

impl Figures {
    /// Returns the median of a sample's figure.
    pub(crate) fn median(&self, figure: &str, sample: &Sample) -> Result<f64> {
        let samples = self.ours.get(figure);
        let median = samples.and_then(|samples| samples.median(&sample.to_string()));
        median.ok_or_else(|| format!("{sample} has no {figure}").into())
    }

    /// Returns the median of a sample's figure as a cell of a table.
    pub(crate) fn cell(&self, figure: &str, sample: &Sample) -> Result<String> {
        Ok(format!("{:.1}", self.median(figure, sample)?))
    }

    /// Returns the least that a sample's figure had in a round.
    pub(crate) fn least(&self, figure: &str, sample: &Sample) -> Result<f64> {
        let samples = self.ours.get(figure);
        let rounds = samples.and_then(|samples| samples.of(&sample.to_string()));
        let least = rounds.and_then(|rounds| rounds.iter().copied().reduce(f64::min));
        least.ok_or_else(|| format!("{sample} has no {figure}").into())
    }

    /// Returns a sample's figure, of that of another sample.
    pub(crate) fn ratios(&self, figure: &str, [sample, of]: [&Sample; 2]) -> Result<Ratios> {
        let samples = self.ours.get(figure);
        let ratios = samples.and_then(|it| it.cost(&sample.to_string(), &of.to_string()));
        ratios.ok_or_else(|| format!("{sample} or {of} has no {figure}").into())
    }

    /// Returns a sample's figure, of that of the other build; `None` if it has none.
    pub(crate) fn of_other(&self, figure: &str, sample: &Sample) -> Option<Ratios> {
        let name = sample.to_string();
        let [ours, other] = [&self.ours, &self.other].map(|it| it.get(figure));
        let rounds = ours?.of(&name)?.iter().zip(other?.of(&name)?);
        Ratios::of(rounds.map(|(ours, other)| ours / other))
    }
}
