"""Rows of all replicas, with an exact gradient; the identity on a single one, so that losses need no `if strategy`."""

from dogo_tf.platform.keras_compat import tf


def replica_count() -> int:
    """Replicas that share this step: 1 without a strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_index():
    """This replica's position, 0..replica_count()-1; an int, or a scalar tensor on accelerators."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def gather(rows):
    """[b, ...] on each replica -> [R*b, ...] on all of them, in replica order.

    Each replica places its rows in its slot of a zero tensor and the slots are summed: one all-reduce, whose gradient
    returns to every replica what all of them say about its rows. (`ReplicaContext.all_gather` is also exact but issues more
    collectives.) All replicas must hold the same number of rows.
    """
    replicas = replica_count()
    if replicas == 1:
        return rows
    slot = tf.one_hot(replica_index(), replicas, dtype=rows.dtype)
    slots = tf.reshape(slot, [replicas] + [1] * rows.shape.rank) * rows[tf.newaxis]
    slots = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, slots)
    return tf.reshape(slots, tf.concat([[-1], tf.shape(rows)[1:]], 0))


def summed(tensors: list) -> list:
    """The sum over replicas of each tensor, on all of them; None stays None."""
    context = tf.distribute.get_replica_context()
    there = [tensor for tensor in tensors if tensor is not None]
    if replica_count() == 1 or not there:
        return tensors
    sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, there))
    return [None if tensor is None else next(sums) for tensor in tensors]


def row_offset(rows):
    """The number, counted over all replicas, of this replica's first row (int32 scalar)."""
    return tf.convert_to_tensor(replica_index(), tf.int32) * tf.shape(rows)[0]
