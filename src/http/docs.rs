//! `/docs`: the API's documents, and a page that shows them to people.

use super::routes::Routes;

/// The routes.
pub fn routes() -> Routes {
    Routes::default()
}
