// An operator as people write them with controller-runtime, of which `record-manager.mjs` records what it asks of an API server.
// It keeps Widgets of the group clients.example.com in one namespace: leader election, informers (of whole objects and of
// metadata alone), a finalizer, an owned ConfigMap by server-side apply, an owned Secret by create and patch, statuses by
// update, patch and apply, Events of both groups.
//
//	manager NAMESPACE          with the kubeconfig in KUBECONFIG
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	group     = "clients.example.com"
	finalizer = group + "/cleanup"
	label     = group + "/widget"
)

var version = schema.GroupVersion{Group: group, Version: "v1"}

type WidgetSpec struct {
	Size int `json:"size"`
}

type WidgetStatus struct {
	Observed   int                `json:"observed,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              WidgetSpec   `json:"spec"`
	Status            WidgetStatus `json:"status,omitempty"`
}

type WidgetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Widget `json:"items"`
}

func (w *Widget) DeepCopyObject() runtime.Object {
	copied := *w
	copied.ObjectMeta = *w.ObjectMeta.DeepCopy()
	copied.Status.Conditions = append([]metav1.Condition(nil), w.Status.Conditions...)
	return &copied
}

func (l *WidgetList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = make([]Widget, len(l.Items))
	for i := range l.Items {
		copied.Items[i] = *l.Items[i].DeepCopyObject().(*Widget)
	}
	return &copied
}

type reconciler struct {
	client.Client
	direct client.Reader
	events events.EventRecorder
	core   record.EventRecorder
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	widget := &Widget{}
	if err := r.Get(ctx, request.NamespacedName, widget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !widget.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.finalize(ctx, widget)
	}
	if controllerutil.AddFinalizer(widget, finalizer) {
		return ctrl.Result{}, r.Update(ctx, widget)
	}
	if err := r.applySettings(ctx, widget); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.keepSecret(ctx, widget); err != nil {
		return ctrl.Result{}, err
	}
	if widget.Status.Observed == widget.Spec.Size {
		return ctrl.Result{}, nil
	}
	if err := r.report(ctx, widget); err != nil {
		return ctrl.Result{}, err
	}
	r.events.Eventf(widget, nil, corev1.EventTypeNormal, "Made", "Make", "size %d", widget.Spec.Size)
	r.core.Eventf(widget, corev1.EventTypeNormal, "Seen", "size %d", widget.Spec.Size)
	return ctrl.Result{}, nil
}

func (r *reconciler) finalize(ctx context.Context, widget *Widget) error {
	if !controllerutil.ContainsFinalizer(widget, finalizer) {
		return nil
	}
	owned := []client.DeleteAllOfOption{client.InNamespace(widget.Namespace), client.MatchingLabels{label: widget.Name}}
	if err := r.DeleteAllOf(ctx, &corev1.ConfigMap{}, owned...); err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: widget.Name, Namespace: widget.Namespace}}
	if err := r.Delete(ctx, secret, client.PropagationPolicy(metav1.DeletePropagationBackground)); client.IgnoreNotFound(err) != nil {
		return err
	}
	before := widget.DeepCopyObject().(*Widget)
	controllerutil.RemoveFinalizer(widget, finalizer)
	locked := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	fmt.Println("finalized", widget.Name)
	return client.IgnoreNotFound(r.Patch(ctx, widget, locked))
}

func (r *reconciler) applySettings(ctx context.Context, widget *Widget) error {
	owner := applymeta.OwnerReference().WithAPIVersion(version.String()).WithKind("Widget").
		WithName(widget.Name).WithUID(widget.UID).WithController(true).WithBlockOwnerDeletion(true)
	settings := applycore.ConfigMap(widget.Name, widget.Namespace).
		WithLabels(map[string]string{label: widget.Name}).WithOwnerReferences(owner).
		WithData(map[string]string{"size": fmt.Sprint(widget.Spec.Size)})
	return r.Apply(ctx, settings, client.FieldOwner("widgets"), client.ForceOwnership)
}

func (r *reconciler) keepSecret(ctx context.Context, widget *Widget) error {
	secret := &corev1.Secret{}
	err := r.direct.Get(ctx, client.ObjectKeyFromObject(widget), secret)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	data := map[string][]byte{"size": []byte(fmt.Sprint(widget.Spec.Size))}
	if err != nil {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: widget.Name, Namespace: widget.Namespace}, Data: data}
		if err := controllerutil.SetControllerReference(widget, secret, r.Scheme()); err != nil {
			return err
		}
		return r.Create(ctx, secret)
	}
	if string(secret.Data["size"]) == string(data["size"]) {
		return nil
	}
	if widget.Spec.Size%2 == 0 {
		secret.Data = data
		return r.Update(ctx, secret)
	}
	before := secret.DeepCopy()
	secret.Data = data
	return r.Patch(ctx, secret, client.StrategicMergeFrom(before))
}

// By size: an update, a merge patch, or an apply of the status.
func (r *reconciler) report(ctx context.Context, widget *Widget) error {
	before := widget.DeepCopyObject().(*Widget)
	widget.Status.Observed = widget.Spec.Size
	ready := metav1.Condition{Type: "Ready", Status: "True", Reason: "Made", ObservedGeneration: widget.Generation}
	meta.SetStatusCondition(&widget.Status.Conditions, ready)
	switch widget.Spec.Size % 3 {
	case 0:
		return r.Status().Update(ctx, widget)
	case 1:
		return r.Status().Patch(ctx, widget, client.MergeFrom(before))
	}
	conditions, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&widget.Status)
	if err != nil {
		return err
	}
	status := &unstructured.Unstructured{Object: map[string]any{"status": conditions}}
	status.SetGroupVersionKind(version.WithKind("Widget"))
	status.SetName(widget.Name)
	status.SetNamespace(widget.Namespace)
	return r.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(status), client.FieldOwner("widgets"), client.ForceOwnership)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
	namespace := os.Args[1]
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	scheme.AddKnownTypes(version, &Widget{}, &WidgetList{})
	metav1.AddToGroupVersion(scheme, version)
	lease, renew, retry := 4*time.Second, 3*time.Second, 500*time.Millisecond
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme: scheme, LeaderElection: true, LeaderElectionID: "widgets", LeaderElectionNamespace: namespace,
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry, LeaderElectionReleaseOnCancel: true,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
	})
	must(err)
	r := &reconciler{
		Client: manager.GetClient(), direct: manager.GetAPIReader(),
		events: manager.GetEventRecorder("widgets"), core: manager.GetEventRecorderFor("widgets"),
	}
	must(ctrl.NewControllerManagedBy(manager).For(&Widget{}).
		Owns(&corev1.ConfigMap{}).Owns(&corev1.Secret{}, builder.OnlyMetadata).Complete(r))
	go func() {
		<-manager.Elected()
		fmt.Println(time.Now().Format(time.RFC3339Nano), "leads")
	}()
	must(manager.Start(ctrl.SetupSignalHandler()))
}
