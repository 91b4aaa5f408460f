//! How do pages see how far a job is, whenever they come?
//!
//! A job is a topic that keeps one event: a page that comes late gets the newest state at once, one that comes
//! after the end gets the result, and then 204, at which an `EventSource` stops.
//!
//! ```text
//! cargo run -p sse-examples --example job_progress
//! curl -i -X POST http://127.0.0.1:3001/jobs
//! curl -N http://127.0.0.1:3001/jobs/1
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, dev::Server, http::header::LOCATION, web};
use sse_actix::{BoundedHttp, sse_open};
use sse_hub::{Event, Hub, PublishError, Retention, TopicOptions};

/// The number of the newest job.
static NEWEST: AtomicU64 = AtomicU64::new(0);

async fn begin(hub: web::Data<Hub>) -> HttpResponse {
    let path = format!("/jobs/{}", NEWEST.fetch_add(1, Ordering::Relaxed) + 1);
    tokio::spawn(run(Hub::clone(&hub), path.clone()));
    HttpResponse::Accepted()
        .insert_header((LOCATION, path))
        .finish()
}

async fn run(hub: Hub, topic: String) -> Result<(), PublishError> {
    for percent in (0..100).step_by(10) {
        let progress = Event::new().event("progress").display(percent);
        hub.publish(&topic, progress).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let result = Event::new().event("done").data("/results/1.pdf");
    hub.finish(&topic, result).await.map(drop)
}

async fn watch(hub: web::Data<Hub>, job: web::Path<u64>, request: HttpRequest) -> HttpResponse {
    if !(1..=NEWEST.load(Ordering::Relaxed)).contains(&job) {
        return HttpResponse::NotFound().finish();
    }
    let job = hub.subscribe(request.path()).from_start();
    sse_open(&request, job).await.map_into_boxed_body()
}

fn hub() -> Hub {
    let newest = TopicOptions::new().retention(Retention::new().max_events(1));
    Hub::builder().topics(move |_| newest.clone()).build()
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/jobs", web::post().to(begin))
        .route("/jobs/{job}", web::get().to(watch));
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let hub = web::Data::new(hub());
    let app = move || App::new().app_data(hub.clone()).configure(routes);
    let http = move || BoundedHttp::new().tcp(app());
    Server::build()
        .bind("jobs", ("127.0.0.1", 3001), http)?
        .run()
        .await
}

#[cfg(test)]
mod job_progress_tests;
