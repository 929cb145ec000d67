//! The nodes that decide, as the servers of the store note them down.

use async_trait::async_trait;
use keyward_core::change::Epoch;

use super::PostgresTx;
use super::link::{Link, whole};
use super::row::{many, run};
use super::value::params;
use crate::nodes::column;
use crate::{NodeElsewhere, NodeNote, NodeNotes, StoreError};

/// Writes nodes, all in one statement.
async fn insert(link: &Link, server: &str, nodes: &[NodeNote]) -> Result<(), StoreError> {
    if nodes.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO nodes (server, start, name, applied)
               SELECT $1, n.start, n.name, n.applied FROM unnest($2, $3, $4) AS n (start, name, applied)
               WHERE is_system()
               ON CONFLICT (server, start) DO UPDATE SET applied = excluded.applied";
    let params = params![
        server,
        nodes.iter().map(|node| node.start.clone()).collect::<Vec<_>>(),
        nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>(),
        nodes.iter().map(|node| column(node.applied.0)).collect::<Vec<_>>(),
    ];
    run(link, sql, params).await.map(drop)
}

async fn strike_all(link: &Link, server: &str) -> Result<(), StoreError> {
    run(link, "DELETE FROM nodes WHERE server = $1 AND is_system()", params![server]).await.map(drop)
}

/// Each writes the row of its server first: so whoever enrols, notes and strikes off takes turns.
#[async_trait]
impl NodeNotes for PostgresTx {
    async fn enrol_server(&mut self, server: &str, beat: u64, nodes: &[NodeNote]) -> Result<(), StoreError> {
        let sql = "INSERT INTO servers (id, beat) SELECT $1, $2 WHERE is_system()
                   ON CONFLICT (id) DO UPDATE SET beat = excluded.beat";
        let link = self.system_write()?;
        whole(link, async {
            run(link, sql, params![server, column(beat)]).await?;
            strike_all(link, server).await?;
            insert(link, server, nodes).await
        })
        .await
    }

    async fn note_nodes(
        &mut self,
        server: &str,
        before: u64,
        beat: u64,
        nodes: &[NodeNote],
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE servers SET beat = $3 WHERE id = $1 AND beat = $2 AND is_system()";
        let link = self.system_write()?;
        whole(link, async {
            if run(link, sql, params![server, column(before), column(beat)]).await? == 0 {
                return Ok(false);
            }
            insert(link, server, nodes).await.map(|()| true)
        })
        .await
    }

    async fn strike_nodes(&mut self, server: &str, starts: &[String]) -> Result<(), StoreError> {
        let sql = "DELETE FROM nodes WHERE server = $1 AND start = ANY($2) AND is_system()";
        run(self.system_write()?, sql, params![server, starts.to_vec()]).await.map(drop)
    }

    async fn strike_server(&mut self, server: &str, beat: u64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM servers WHERE id = $1 AND beat = $2 AND is_system()";
        let link = self.system_write()?;
        whole(link, async {
            if run(link, sql, params![server, column(beat)]).await? == 0 {
                return Ok(false);
            }
            strike_all(link, server).await.map(|()| true)
        })
        .await
    }

    async fn nodes_elsewhere(&mut self, server: &str, limit: u32) -> Result<Vec<NodeElsewhere>, StoreError> {
        let sql = "SELECT s.id, s.beat, n.start, n.name, n.applied
                   FROM servers s JOIN nodes n ON n.server = s.id
                   WHERE s.id <> $1 AND is_system() LIMIT $2";
        many(self.system_read()?, "nodes", sql, params![server, limit], |columns| {
            Ok(NodeElsewhere {
                server: columns.take()?,
                beat: columns.version()?,
                node: NodeNote {
                    start: columns.take()?,
                    name: columns.take()?,
                    applied: Epoch(columns.version()?),
                },
            })
        })
        .await
    }
}
