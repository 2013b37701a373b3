//! A release whose content is read although no client asks: for `bulkhead scan` and `bulkhead diff`. It goes into quarantine
//! like any first touch, and leaves by no gate.

use std::sync::Arc;

use bulkhead_core::{Code, Ecosystem, Problem, Purl};
use bulkhead_detect::Profile;

use super::Intake;
use super::ecosystem::pypi::{FileKind, FileName, IndexFile, ProjectName, same_release};
use super::gather::Gatherer;

/// Files read of one release: some have a wheel for each of fifty platforms, with the same code.
const MOST: usize = 6;

impl Intake {
    /// Reads the files of the release and compares each with the release before.
    ///
    /// # Errors
    /// When the upstream does not list the release, or a file cannot be fetched or read.
    pub async fn read_release(self: &Arc<Self>, purl: &Purl) -> Result<(), Problem> {
        let (project, files) = self.release_files(purl).await?;
        let page = self.pages.page(&project).await?;
        for file in files.iter().take(MOST) {
            let Some(digest) = file.sha256() else { continue };
            self.quarantine.read(&project, file, digest).await?;
            let gatherer = Gatherer::of_file(self, &page, file, &self.spine.basis()).await?;
            self.delta(&gatherer, &project, file, digest).await?;
        }
        Ok(())
    }

    /// The profile of the release's first wheel, else of its first file.
    ///
    /// # Errors
    /// As [`Intake::read_release`].
    pub async fn release_profile(self: &Arc<Self>, purl: &Purl) -> Result<(String, Profile), Problem> {
        let (project, files) = self.release_files(purl).await?;
        let file = files.iter().find(|file| file.sha256().is_some());
        let (Some(file), Some(digest)) = (file, file.and_then(IndexFile::sha256)) else {
            return Err(Problem::new(Code::FileNotFound, format!("no file of {purl} has a SHA-256 in the index")));
        };
        self.quarantine.read(&project, file, digest).await?;
        let profile = self.profile(digest, &file.filename).await?;
        let gone = || Problem::new(Code::StorageUnavailable, format!("the report on {} is gone", file.filename));
        Ok((file.filename.to_string(), profile.ok_or_else(gone)?))
    }

    /// The files of the release, wheels first, those for every platform before others.
    async fn release_files(self: &Arc<Self>, purl: &Purl) -> Result<(ProjectName, Vec<IndexFile>), Problem> {
        let wrong = |why: String| Problem::new(Code::BadRequest, why);
        if purl.ecosystem() != Ecosystem::Pypi {
            return Err(wrong(format!("{purl}: only releases of PyPI are fetched by this Bulkhead"))
                .with_help("give the file: bulkhead scan FILE"));
        }
        let project = ProjectName::parse(purl.name()).map_err(|error| wrong(error.to_string()))?;
        let version = purl.version().unwrap_or_default();
        let page = self.pages.page(&project).await?;
        let mut files: Vec<(bool, bool, IndexFile)> = Vec::new();
        for file in &page.index.files {
            let Ok(name) = FileName::parse(&file.filename, &project) else { continue };
            if same_release(name.version_text(), version) {
                let wheel = name.kind() == FileKind::Wheel;
                files.push((!wheel, !file.filename.ends_with("-none-any.whl"), file.clone()));
            }
        }
        if files.is_empty() {
            return Err(Problem::new(Code::FileNotFound, format!("the upstream lists no file of {purl}"))
                .with_help("every release listed: bulkhead explain pkg:pypi/NAME"));
        }
        files.sort_by(|a, b| (a.0, a.1, &a.2.filename).cmp(&(b.0, b.1, &b.2.filename)));
        Ok((project, files.into_iter().map(|(_, _, file)| file).collect()))
    }
}
