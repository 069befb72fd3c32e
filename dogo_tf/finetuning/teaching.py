"""What one classifier learns from another's answers: the divergence of their class probabilities.

Between two that train it is deep mutual learning (Zhang et al., CVPR 2018); from a finished one, on images without labels, the
last step of SimCLRv2 (Chen et al., 2020).
"""

from dogo_tf.platform.keras_compat import tf


def class_kl(student, teacher, temperature: float = 1.0):
    """KL(softmax(teacher / temperature) || softmax(student / temperature)) of logits [B, C] -> nats [B].

    No gradient reaches the teacher.
    """
    target = tf.stop_gradient(tf.cast(teacher, student.dtype)) / temperature
    log_target, log_student = tf.nn.log_softmax(target), tf.nn.log_softmax(student / temperature)
    return tf.reduce_sum(tf.exp(log_target) * (log_target - log_student), axis=-1)
