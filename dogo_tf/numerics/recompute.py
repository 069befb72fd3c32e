"""Rows in blocks, computed again in the backward pass: the memory of one block instead of that of all rows.

Gradient checkpointing (Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost") over the rows of a batch.
"""

from dogo_tf.platform.keras_compat import tf


def in_row_blocks(function, rows, shared, block, row_specs):
    """function(rows, shared), computed for `block` rows at a time; nothing of a block is kept but its results.

    The backward pass calls `function` again for every block. Values and gradients are those of one call for all rows, but for
    the order in which the gradients of `shared` are summed. Blocks follow one another: one at a time is in memory.

    Args:
        function: (rows, shared) -> a nest of results with as many rows. It must not communicate between replicas (gather
            before), must give the same at every call, and is also called on rows of zeros, which fill the last block.
        rows: nest of tensors [n, ...], which are cut into blocks.
        shared: nest of tensors or variables, which every block sees whole.
        block: most rows in a block, >= 1; an int, or a scalar integer tensor where n is not known before.
        row_specs: nest of tf.TensorSpec: what the results are for one row.
    Returns:
        The nest of results, each [n, ...].
    """
    rows, shared = tf.nest.map_structure(_tensor, rows), tf.nest.map_structure(_tensor, shared)
    count = shape(tf.nest.flatten(rows)[0])[0]
    if isinstance(count, int) and isinstance(block, int) and count <= block:
        return function(rows, shared)
    blocks = -(-count // block)
    block = -(-count // blocks)  # blocks of nearly one size, so that few rows are filled up
    row_tensors, shared_tensors = tf.nest.flatten(rows), tf.nest.flatten(shared)

    @tf.custom_gradient
    def blockwise(*given):
        in_blocks = [_cut(x, blocks, block) for x in given[: len(row_tensors)]]
        # A variable is given by its value, which leads the gradient back to it; `function` reads the variable itself.
        values = given[len(row_tensors) :]
        whole = [x if isinstance(x, tf.Variable) else v for x, v in zip(shared_tensors, values, strict=True)]

        def call(own):
            results = function(tf.nest.pack_sequence_as(rows, own), tf.nest.pack_sequence_as(shared, whole))
            return tf.nest.flatten(results)

        def forward(number, sums):
            return call([tf.gather(x, number) for x in in_blocks]), sums

        specs = tf.nest.flatten(row_specs)
        results, _ = _one_after_the_other(forward, blocks, block, specs, [])

        def gradient(*of_results, variables=()):
            of_floating = [g for g, x in zip(of_results, results, strict=True) if x.dtype.is_floating]
            of_blocks = [_cut(x, blocks, block) for x in of_floating]

            def backward(number, sums):
                own = [tf.gather(x, number) for x in in_blocks]
                with tf.GradientTape() as tape:
                    tape.watch(_floating(own) + [x for x in _floating(whole) if not isinstance(x, tf.Variable)])
                    results = _floating(call(own))
                of_rows, of_shared = tape.gradient(
                    results,
                    (_floating(own), _floating(whole)),
                    output_gradients=[tf.gather(x, number) for x in of_blocks],
                    unconnected_gradients="zero",
                )
                return of_rows, [total + tf.convert_to_tensor(x) for total, x in zip(sums, of_shared, strict=True)]

            row_like = [tf.TensorSpec(x.shape[1:], x.dtype) for x in _floating(row_tensors)]
            zeros = [tf.zeros_like(x) for x in _floating(values)]
            of_rows, of_shared = _one_after_the_other(backward, blocks, block, row_like, zeros)
            floating = iter([x[:count] for x in of_rows] + of_shared)
            gradients = [next(floating) if x.dtype.is_floating else None for x in given]
            return (gradients, [None] * len(variables)) if variables else gradients

        return [x[:count] for x in results], gradient

    return tf.nest.pack_sequence_as(row_specs, blockwise(*row_tensors, *shared_tensors))


def _one_after_the_other(step, blocks, block, row_specs, sums):
    """(results of all rows, last sums) of step(number, sums) -> (results of the block's rows, sums) for every block."""
    stacks = [tf.TensorArray(s.dtype, blocks, element_shape=[_static(block), *s.shape]) for s in row_specs]

    def body(number, stacks, sums):
        results, sums = step(number, sums)
        return number + 1, [stack.write(number, x) for stack, x in zip(stacks, results, strict=True)], sums

    _, stacks, sums = tf.while_loop(
        lambda number, *_: number < blocks, body, (0, stacks, sums), parallel_iterations=1, maximum_iterations=blocks
    )
    return [_joined(stack.stack()) for stack in stacks], sums


def _cut(x, blocks, block):
    """[n, ...] -> [blocks, block, ...], filled up with zeros."""
    missing = blocks * block - shape(x)[0]
    if not isinstance(missing, int) or missing:
        x = tf.pad(x, [[0, missing]] + [[0, 0]] * (x.shape.rank - 1))
    return tf.reshape(x, [blocks, block, *shape(x)[1:]])


def _joined(x):
    """[blocks, block, ...] -> [blocks * block, ...]"""
    blocks, block, *rest = shape(x)
    return tf.reshape(x, [blocks * block, *rest])


def _tensor(x):
    return x if isinstance(x, tf.Variable) else tf.convert_to_tensor(x)


def _floating(tensors) -> list:
    return [x for x in tensors if x.dtype.is_floating]


def shape(x) -> list:
    """The dimensions of x: ints where they are known before the step runs, else scalar tensors."""
    return [tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)]


def _static(number):
    return number if isinstance(number, int) else None
