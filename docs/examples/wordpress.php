<?php
/**
 * Plugin Name: Hearback
 * Description: Tells Hearback of comments as they come, and lets readers follow a post. A page never waits for mail.
 * Version: 1.0
 * Requires at least: 5.9
 * Requires PHP: 7.4
 *
 * Put this file into wp-content/plugins/hearback.php, activate it, and put into wp-config.php:
 *
 *     define( 'HEARBACK_URL', 'https://comments.example.org' );
 *     define( 'HEARBACK_KEY', 'hb_…' );  // of: hearback key create wordpress --right events:write,subscriptions:write,subscribers:vouch
 *
 * A site that polls with a source of type wordpress needs no plugin; the ids are the same, so both may be used.
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

if ( ! defined( 'HEARBACK_URL' ) || ! defined( 'HEARBACK_KEY' ) ) {
	add_action(
		'admin_notices',
		function () {
			echo '<div class="notice notice-error"><p>Hearback is told of nothing yet: put HEARBACK_URL and HEARBACK_KEY into wp-config.php.</p></div>';
		}
	);
	return;
}

// What happens to comments.
add_action( 'wp_insert_comment', 'hearback_inserted', 10, 2 );
add_action( 'edit_comment', 'hearback_edited' );
add_action( 'transition_comment_status', 'hearback_moved', 10, 3 );
add_action( 'hearback_again', 'hearback_call', 10, 2 );
// The wish to hear of answers.
add_filter( 'comment_form_submit_field', 'hearback_checkbox' );
add_action( 'comment_post', 'hearback_follow' );

function hearback_inserted( $id, $comment ) {
	if ( '1' === (string) $comment->comment_approved ) {
		hearback_tell( 'comment.published', $comment );
	}
}

function hearback_edited( $id ) {
	$comment = get_comment( $id );
	if ( $comment && '1' === (string) $comment->comment_approved ) {
		hearback_tell( 'comment.edited', $comment );
	}
}

// Approved, unapproved, called spam, put into the trash or deleted.
function hearback_moved( $new, $old, $comment ) {
	if ( 'approved' === $new ) {
		hearback_tell( 'comment.published', $comment );
	} elseif ( 'approved' === $old ) {
		hearback_tell( 'comment.removed', $comment );
	}
}

function hearback_tell( $type, $comment ) {
	if ( ! in_array( $comment->comment_type, array( '', 'comment' ), true ) ) {
		return; // pingbacks, reviews of a shop
	}
	$id    = (string) $comment->comment_ID;
	$event = array(
		'type'    => $type,
		// To the microsecond: into the trash and back may take less than a second, and the later time wins.
		'time'    => ( new DateTime( 'now', new DateTimeZone( 'UTC' ) ) )->format( 'Y-m-d\TH:i:s.u\Z' ),
		'comment' => array( 'id' => $id ),
		'thread'  => array(
			'id'    => (string) $comment->comment_post_ID,
			'url'   => get_permalink( $comment->comment_post_ID ),
			'title' => html_entity_decode( wp_strip_all_tags( get_the_title( $comment->comment_post_ID ) ), ENT_QUOTES, 'UTF-8' ),
		),
	);
	if ( 'comment.removed' !== $type ) {
		$event['comment'] += array_filter(
			array(
				'parent_id'  => $comment->comment_parent ? (string) $comment->comment_parent : '',
				'url'        => get_comment_link( $comment ),
				'html'       => apply_filters( 'comment_text', get_comment_text( $comment ), $comment ),
				'written_at' => str_replace( ' ', 'T', $comment->comment_date_gmt ) . 'Z',
			)
		);
		$event['author'] = array_filter(
			array(
				'id'    => $comment->user_id ? (string) $comment->user_id : '', // all guests share the id 0: never send it
				'name'  => $comment->comment_author,
				'email' => $comment->comment_author_email, // only so that nobody is told of their own comment
			)
		);
		if ( ! $event['author'] ) {
			unset( $event['author'] );
		}
	}
	// The id names what happened: a repeat of the same call changes nothing.
	$event['id'] = 'wp-' . $id . '-' . substr( md5( wp_json_encode( $event ) ), 0, 12 );
	hearback_call( array( $event ) );
}

function hearback_checkbox( $field ) {
	return '<p class="comment-form-hearback"><label><input type="checkbox" name="hearback_follow" value="1"> '
		. esc_html__( 'Mail me when somebody comments here.', 'hearback' ) . '</label></p>' . $field;
}

function hearback_follow( $id ) {
	$comment = get_comment( $id );
	// phpcs:ignore WordPress.Security.NonceVerification -- a comment form has none, and what it asks for the reader confirms by mail.
	if ( ! $comment || empty( $_POST['hearback_follow'] ) || ! is_email( $comment->comment_author_email ) ) {
		return;
	}
	$known  = (bool) $comment->user_id;
	$reader = $known ? (string) $comment->user_id : 'guest-' . md5( strtolower( $comment->comment_author_email ) );
	$now    = gmdate( 'Y-m-d\TH:i:s\Z' );
	$person = array( 'id' => $reader, 'email' => $comment->comment_author_email, 'name' => $comment->comment_author );
	$wish   = array( 'subscriber' => $reader, 'target' => array( 'type' => 'thread', 'id' => (string) $comment->comment_post_ID ) );
	if ( $known ) {
		// WordPress knows the address of who is signed in. A guest may have typed somebody else's: they are asked by mail, and
		// may not bring back who has left.
		$person += array( 'author_ids' => array( $reader ), 'confirmed' => true );
		$wish   += array( 'consent' => array( 'time' => $now, 'source' => 'comment form' ) );
	}
	hearback_call(
		array(
			array( 'id' => "wp-$id-reader", 'type' => 'subscriber.set', 'time' => $now, 'subscriber' => $person ),
			array( 'id' => "wp-$id-wish", 'type' => 'subscription.set', 'time' => $now, 'subscription' => $wish ),
		)
	);
}

// Hands events in, waiting two seconds at most. A call that did not get through is made again from WordPress' own schedule, for
// about a day: the ids of the events make a repeat harmless.
function hearback_call( $events, $try = 1 ) {
	$answer = wp_remote_post(
		rtrim( HEARBACK_URL, '/' ) . '/v1/events',
		array(
			'timeout' => 1 === $try ? 2 : 20,
			'headers' => array( 'Authorization' => 'Bearer ' . HEARBACK_KEY, 'Content-Type' => 'application/json' ),
			'body'    => wp_json_encode( array( 'events' => $events ) ),
		)
	);
	$status = is_wp_error( $answer ) ? 0 : (int) wp_remote_retrieve_response_code( $answer );
	if ( 0 === $status || 429 === $status || $status >= 500 ) {
		if ( $try < 11 ) {
			wp_schedule_single_event( time() + 60 * 2 ** ( $try - 1 ), 'hearback_again', array( $events, $try + 1 ) );
		}
		return;
	}
	$receipt = json_decode( wp_remote_retrieve_body( $answer ), true );
	if ( $status >= 300 && empty( $receipt['rejected'] ) ) { // the key, or a proxy
		error_log( 'Hearback refuses the call: ' . ( $receipt['detail'] ?? $status ) . ' (' . ( $receipt['mend'] ?? 'look at the proxy' ) . ')' );
		return;
	}
	foreach ( $receipt['rejected'] ?? array() as $no ) { // they are kept there: hearback event list
		error_log( "Hearback rejects {$no['id']}: " . ( $no['error']['field'] ?? '' ) . " {$no['error']['message']} (" . ( $no['error']['mend'] ?? '' ) . ')' );
	}
}
