//! What an agent says to a client that listens while it works.

use tokio::sync::mpsc;

/// Something that is told as an event.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// What it is doing now.
    Doing(String),
    /// More of a text.
    Text(String),
    /// The text so far is void: it begins once more.
    Again,
}

/// Where notes go, if anybody listens. The channel is bounded: a client that reads slowly slows its own agents down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Option<mpsc::Sender<Note>>);

impl Notes {
    /// Notes, and where they are heard.
    pub(crate) fn heard() -> (Self, mpsc::Receiver<Note>) {
        let (notes, heard) = mpsc::channel(16);
        (Self(Some(notes)), heard)
    }

    pub(crate) async fn say(&self, note: Note) {
        if let Some(notes) = &self.0 {
            // If nobody listens any more, this turn is about to be cancelled; that is where it is noticed.
            notes.send(note).await.ok();
        }
    }
}
