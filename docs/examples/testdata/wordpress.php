<?php
// As much of WordPress as the plugin uses, and what happens on a site: two comments, one of which is called spam afterwards.
// Each first try of a call is lost, as if the net were away, so that all of them go by the schedule.
error_reporting( E_ALL );
set_error_handler( function ( $no, $text, $file, $line ) { throw new ErrorException( $text, 0, $no, $file, $line ); } );
define( 'ABSPATH', __DIR__ );
define( 'HEARBACK_URL', getenv( 'HEARBACK_URL' ) );
define( 'HEARBACK_KEY', getenv( 'HEARBACK_KEY' ) );

class WP_Error {}
$hooks = $schedule = $comments = array();
$lost  = 0;

function add_action( $hook, $f, $priority = 10, $args = 1 ) { $GLOBALS['hooks'][ $hook ][] = array( $f, $args ); }
function add_filter( ...$a ) { add_action( ...$a ); }
function do_action( $hook, ...$args ) {
	foreach ( $GLOBALS['hooks'][ $hook ] ?? array() as list( $f, $n ) ) {
		$f( ...array_slice( $args, 0, $n ) );
	}
}
function apply_filters( $hook, $value, ...$args ) {
	foreach ( $GLOBALS['hooks'][ $hook ] ?? array() as list( $f ) ) {
		$value = $f( $value, ...$args );
	}
	return 'comment_text' === $hook ? "<p>$value</p>" : $value;
}
function get_comment( $id ) { return $GLOBALS['comments'][ $id ] ?? null; }
function get_comment_text( $c ) { return $c->comment_content; }
function get_comment_link( $c ) { return get_permalink( $c->comment_post_ID ) . '#comment-' . $c->comment_ID; }
function get_permalink( $id ) { return "https://blog.example.org/$id"; }
function get_the_title( $id ) { return 'On <em>clocks</em> &#038; bells'; }
function wp_strip_all_tags( $t ) { return strip_tags( $t ); }
function wp_json_encode( $v ) { return json_encode( $v, JSON_THROW_ON_ERROR ); }
function is_email( $a ) { return false !== strpos( $a, '@' ); }
function esc_html__( $t ) { return htmlspecialchars( $t ); }
function is_wp_error( $v ) { return $v instanceof WP_Error; }
function wp_remote_retrieve_response_code( $a ) { return $a['code']; }
function wp_remote_retrieve_body( $a ) { return $a['body']; }
function wp_schedule_single_event( $at, $hook, $args ) { $GLOBALS['schedule'][] = array( $hook, $args ); }
function wp_remote_post( $url, $o ) {
	if ( 2 === $o['timeout'] ) {
		$GLOBALS['lost']++;
		return new WP_Error();
	}
	$header = array();
	foreach ( $o['headers'] as $k => $v ) {
		$header[] = "$k: $v";
	}
	$http = array( 'method' => 'POST', 'header' => $header, 'content' => $o['body'], 'timeout' => $o['timeout'], 'ignore_errors' => true );
	$body = file_get_contents( $url, false, stream_context_create( array( 'http' => $http ) ) );
	return array( 'code' => (int) explode( ' ', $http_response_header[0] )[1], 'body' => $body );
}

require __DIR__ . '/../wordpress.php';

// insert does what wp_new_comment does.
function insert( $id, $user, $name, $text, $approved ) {
	$c = (object) array( 'comment_ID' => (string) $id, 'comment_post_ID' => '7', 'comment_parent' => '0', 'comment_approved' => $approved, 'comment_type' => 'comment',
		'user_id' => (string) $user, 'comment_author' => $name, 'comment_author_email' => strtolower( $name ) . '@example.org', 'comment_content' => $text,
		'comment_date_gmt' => gmdate( 'Y-m-d H:i:s' ) );
	$GLOBALS['comments'][ $id ] = $c;
	do_action( 'wp_insert_comment', $id, $c );
	do_action( 'comment_post', $id );
	return $c;
}

if ( false === strpos( apply_filters( 'comment_form_submit_field', '<button>' ), 'name="hearback_follow"' ) ) {
	throw new Exception( 'the form has no checkbox' );
}
$_POST = array( 'hearback_follow' => '1' );
insert( 1, 11, 'Ann', 'What about the bells?', '1' );
$_POST = array();
$held  = insert( 2, 0, 'Patrick', 'Who winds them, with WordPress?', '0' );
$held->comment_approved = '1';
do_action( 'transition_comment_status', 'approved', 'unapproved', $held );
$spam = insert( 3, 0, 'Spammer', 'Best deals', '1' );
$spam->comment_approved = 'spam';
do_action( 'transition_comment_status', 'spam', 'approved', $spam );
$held->comment_content = 'Who winds them, with WordPress, I wonder?';
do_action( 'edit_comment', 2 );
$pingback = clone $held;
$pingback->comment_type = 'pingback';
do_action( 'wp_insert_comment', 4, $pingback );

if ( count( $schedule ) !== $lost || 6 !== $lost ) {
	throw new Exception( "$lost calls were lost, " . count( $schedule ) . ' are scheduled' );
}
foreach ( $schedule as list( $hook, $args ) ) {
	do_action( $hook, ...$args );
}
echo "done\n";
