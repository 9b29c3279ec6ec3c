<?php
// Installs WordPress as its wizard does: php install.php ROOT
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => '127.0.0.1', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
$made = wp_install('The Blog', 'admin', 'admin@blog.example', true, '', 'admin');
foreach (['editor' => 'editor', 'bob' => 'subscriber', 'carol' => 'subscriber'] as $name => $role) {
	wp_insert_user(['user_login' => $name, 'user_pass' => $name, 'user_email' => "$name@reader.example", 'display_name' => ucfirst($name), 'role' => $role]);
}
foreach ([
	'comment_moderation' => 0, 'comment_previously_approved' => 0, 'comments_notify' => 0, 'moderation_notify' => 0,
	'thread_comments' => 1, 'thread_comments_depth' => 10, 'permalink_structure' => '/%postname%/',
] as $name => $value) {
	update_option($name, $value);
}
flush_rewrite_rules();
global $wp_version;
echo $wp_version;
