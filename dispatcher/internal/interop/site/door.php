<?php
// Calls WordPress's own functions for the proofs: [{"call": NAME, "args": [...]}].
// Each answers {"value": …} or {"error": …}.
require $_SERVER['DOCUMENT_ROOT'] . '/wp-load.php';
if (!hash_equals(INTEROP_KEY, $_SERVER['HTTP_X_INTEROP_KEY'] ?? '')) {
	http_response_code(403);
	exit;
}
require_once ABSPATH . 'wp-admin/includes/admin.php';
header('Content-Type: application/json');
$answers = [];
foreach (json_decode(file_get_contents('php://input'), true) as $call) {
	$value = call_user_func_array($call['call'], $call['args'] ?? []);
	$answers[] = is_wp_error($value) ? ['error' => $value->get_error_message()] : ['value' => $value];
}
echo json_encode($answers);
