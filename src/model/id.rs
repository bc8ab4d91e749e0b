//! The ids of documents, scenes and rows.

use crate::text_id;

text_id!(
    /// A scene: key in the `scenes` map of a game-session document.
    SceneId
);
text_id!(
    /// A row of a scene (marker, light, annotation, wall, door): key in its collection.
    RowId
);
text_id!(
    /// A party, and its document.
    PartyId
);
text_id!(
    /// A game session, and its document.
    GameSessionId
);
text_id!(
    /// The lower-case hex SHA-256 of a picture file's bytes: how the library names pictures.
    PictureHash
);
