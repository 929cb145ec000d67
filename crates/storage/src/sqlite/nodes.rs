//! The nodes that decide, as the servers of the store note them down.

use async_trait::async_trait;
use keyward_core::change::Epoch;
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::row::{many, run, whole};
use crate::nodes::column;
use crate::{NodeElsewhere, NodeNote, NodeNotes, StoreError};

fn insert(connection: &Connection, server: &str, node: &NodeNote) -> Result<(), StoreError> {
    let sql = "INSERT INTO nodes (server, start, name, applied) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (server, start) DO UPDATE SET applied = excluded.applied";
    run(connection, sql, params![server, node.start, node.name, column(node.applied.0)]).map(drop)
}

fn strike_all(connection: &Connection, server: &str) -> Result<(), StoreError> {
    run(connection, "DELETE FROM nodes WHERE server = ?1 AND is_system()", params![server]).map(drop)
}

#[async_trait]
impl NodeNotes for SqliteTx {
    async fn enrol_server(&mut self, server: &str, beat: u64, nodes: &[NodeNote]) -> Result<(), StoreError> {
        let sql = "INSERT INTO servers (id, beat) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET beat = excluded.beat";
        whole(self.system_write()?, |connection| {
            run(connection, sql, params![server, column(beat)])?;
            strike_all(connection, server)?;
            nodes.iter().try_for_each(|node| insert(connection, server, node))
        })
    }

    async fn note_nodes(
        &mut self,
        server: &str,
        before: u64,
        beat: u64,
        nodes: &[NodeNote],
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE servers SET beat = ?3 WHERE id = ?1 AND beat = ?2 AND is_system()";
        whole(self.system_write()?, |connection| {
            if run(connection, sql, params![server, column(before), column(beat)])? == 0 {
                return Ok(false);
            }
            nodes.iter().try_for_each(|node| insert(connection, server, node)).map(|()| true)
        })
    }

    async fn strike_nodes(&mut self, server: &str, starts: &[String]) -> Result<(), StoreError> {
        let sql = "DELETE FROM nodes WHERE server = ?1 AND start = ?2 AND is_system()";
        whole(self.system_write()?, |connection| {
            starts.iter().try_for_each(|start| run(connection, sql, params![server, start]).map(drop))
        })
    }

    async fn strike_server(&mut self, server: &str, beat: u64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM servers WHERE id = ?1 AND beat = ?2 AND is_system()";
        whole(self.system_write()?, |connection| {
            if run(connection, sql, params![server, column(beat)])? == 0 {
                return Ok(false);
            }
            strike_all(connection, server).map(|()| true)
        })
    }

    async fn nodes_elsewhere(&mut self, server: &str, limit: u32) -> Result<Vec<NodeElsewhere>, StoreError> {
        // Every server is behind no text at all.
        let sql = "SELECT s.id, s.beat, n.start, n.name, n.applied
                   FROM servers s JOIN nodes n ON n.server = s.id
                   WHERE s.id > '' AND s.id <> ?1 AND is_system() LIMIT ?2";
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
    }
}
